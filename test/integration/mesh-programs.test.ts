/** The Go tests of the test mesh's programs: what a proxy, a draining server and the adaptor do, against real sockets. */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { imageFolder } from '../cluster/mesh/controller-process.ts';

test('the programs of the test mesh pass their own tests', { timeout: 300_000 }, async () => {
  const { stdout } = await promisify(execFile)('go', ['test', './...'], { cwd: dirname(imageFolder('app')) });
  for (const name of ['app', 'load', 'mesh']) expect(stdout).toMatch(new RegExp(`^ok\\s+\\S+/${name}\\s`, 'm'));
});
