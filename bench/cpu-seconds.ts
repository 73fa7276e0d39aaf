/** What each program has used of the processors: on a machine that is full, times say who waits, and this says for whom. */

import { readFileSync, readdirSync } from 'node:fs';

/** In /proc a clock tick is 10 ms on every Linux that Node runs on. */
const TICKS = 100;

const programs: [name: string, of: (comm: string, command: string) => boolean][] = [
  ['orchestrator and bench', (_comm, command) => command.includes('bench/main.ts')],
  ['PostgreSQL', (comm) => comm === 'postgres'],
  ['agent', (_comm, command) => command.includes('src/agent/main.ts')],
  ['API server and etcd', (comm) => comm === 'kube-apiserver' || comm === 'etcd'],
  ['controllers', (comm) => comm === 'kube-controller' || comm === 'mesh'],
];

/** Seconds by program, of this process and all it started. */
export function cpuSeconds(): Map<string, number> {
  const used = new Map(programs.map(([name]) => [name, 0]));
  const parents = new Map<string, string>();
  const looks = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid, ...look(pid) }));
  for (const { pid, parent } of looks) parents.set(pid, parent);
  for (const { pid, comm, command, seconds } of looks) {
    if (!isOurs(pid, parents)) continue;
    const found = programs.find(([, of]) => of(comm, command))?.[0];
    if (found !== undefined) used.set(found, (used.get(found) ?? 0) + seconds);
  }
  return used;
}

/** This process, and what it started: other benches and tests may run beside it. */
function isOurs(pid: string | undefined, parents: Map<string, string>): boolean {
  if (pid === undefined || pid === '0') return false;
  return pid === String(process.pid) || isOurs(parents.get(pid), parents);
}

/** Nothing of a process that has ended meanwhile. */
function look(pid: string): { comm: string; command: string; parent: string; seconds: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return { comm, command, parent: fields[1] ?? '', seconds: (Number(fields[11]) + Number(fields[12])) / TICKS };
  } catch {
    return { comm: '', command: '', parent: '', seconds: 0 };
  }
}
