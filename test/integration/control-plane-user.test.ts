/** The control plane needs no root: whoever writes an integration test has an API server on any machine. */

import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { programPaths } from '../cluster/programs.ts';
import { node, repository } from '../support/child.ts';
import { makeScratch } from '../support/scratch.ts';

const run = promisify(execFile);
/** `nobody`, on Debian. */
const uid = 65_534;

it('starts and ends as an ordinary user, without a home and with programs brought along', async () => {
  await using scratch = makeScratch('ordinary-user');
  const { folder } = scratch;
  const assets = join(folder, 'assets');
  await mkdir(assets);
  await chmod(folder, 0o755);
  // The checkout, Node and the cache may lie where only root can read.
  for (const path of Object.values(await programPaths(['etcd', 'kube-apiserver'])))
    await copyFile(path, join(assets, basename(path)));
  await copyFile(realpathSync(node), join(folder, 'node'));
  const program = join(folder, 'program.mjs');
  await bundle(program);
  const drop = process.getuid?.() === 0 ? ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'] : [];
  const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TMPDIR: '/tmp', KUBEBUILDER_ASSETS: assets };
  const { stdout } = await run('env', [...drop, join(folder, 'node'), program], { env, timeout: 50_000 });
  expect(JSON.parse(stdout)).toEqual({ isRoot: false, status: 200, left: false });
});

/** One file that starts a control plane, asks it for its version and stops it. */
async function bundle(outfile: string): Promise<void> {
  const contents = `
    import { existsSync } from 'node:fs';
    import { dirname } from 'node:path';
    import { startControlPlane } from './test/cluster/control-plane.ts';
    const plane = await startControlPlane();
    const { status } = await plane.api.call('GET', '/version');
    await plane.stop();
    const left = existsSync(dirname(plane.kubeconfig));
    console.log(JSON.stringify({ isRoot: process.getuid() === 0, status, left }));`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: repository, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  await writeFile(outfile, outputFiles[0]?.text ?? '', { mode: 0o644 });
}
