/** The agent's process in a test cluster of this machine, seen from outside. */

import { readFileSync, readdirSync } from 'node:fs';

/** The newest that was started as the image starts it: other clusters may run beside this one. @returns its id. */
export function agentProcess(): string {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
    .find((pid) => read(pid, 'cmdline').startsWith('/nodejs/bin/node'));
  if (found === undefined) throw new Error('The agent does not run.');
  return found;
}

/** When it was started, in ms since 1970, to 10 ms. */
export function startedMs(pid: string): number {
  const afterName = read(pid, 'stat').slice(read(pid, 'stat').lastIndexOf(')') + 2);
  const ticks = Number(afterName.split(' ')[19]);
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  return Date.now() - uptimeMs + ticks * 10;
}

/** Empty for a process that has ended meanwhile. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
