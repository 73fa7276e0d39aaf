/** Loaded before a program (`--import`, with `--expose-gc`): at SIGUSR2 it says on SLUICE_TEST_REPORT_FD what it holds, after collecting. */

import { readdirSync, writeSync } from 'node:fs';
import process from 'node:process';

const fd = Number(process.env['SLUICE_TEST_REPORT_FD']);
// The agent takes no setting that it does not know.
delete process.env['SLUICE_TEST_REPORT_FD'];

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const descriptors = readdirSync('/proc/self/fd').length;
  writeSync(fd, `${JSON.stringify({ rss, heapUsed, external, descriptors })}\n`);
});
