import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import { prepareCluster } from '../cluster/cluster.ts';
import { goProgram } from '../cluster/go-build.ts';
import { buildImage } from '../cluster/image.ts';

/** Clusters of this file are made in a folder of its own, so that others' do not confuse it. */
const temporary = mkdtempSync(join(tmpdir(), 'sluice-end-'));
const nothing: Traces = { folder: false, processes: [], cgroups: [], mounts: [] };
let archive: string;
let binaries: Awaited<ReturnType<typeof prepareCluster>>;

beforeAll(async () => {
  binaries = await prepareCluster();
  const probe = await goProgram(join(import.meta.dirname, '../cluster/probe'));
  archive = await buildImage({ name: 'sluice.test/probe:1', files: { '/probe': probe }, entrypoint: ['/probe'] });
}, 900_000);

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('kill -9 of the owner of a cluster with a running pod leaves nothing', async () => {
  const owner = startOwner();
  const folder = await ready(owner);
  expect(traces(folder)).toMatchObject({ folder: true, cgroups: expect.arrayContaining([expect.anything()]) });
  expect(traces(folder).processes.length).toBeGreaterThan(8);
  owner.kill('SIGKILL');
  expect(await left(folder)).toEqual(nothing);
});

test('kill -9 of the owner while the cluster starts leaves nothing', async () => {
  for (const afterMs of [400, 800, 1600, 3200]) {
    const owner = startOwner();
    const before = new Set(readdirSync(temporary));
    await delay(afterMs);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const made = readdirSync(temporary).filter((name) => !before.has(name));
    for (const name of made) expect(await left(join(temporary, name))).toEqual(nothing);
  }
});

test('an owner that is gone before its door is ready leaves nothing', async () => {
  const folder = mkdtempSync(join(temporary, 'sluice-cluster-'));
  writeFileSync(join(folder, 'resolv.conf'), '');
  const door = spawn(binaries.door, ['hold', folder], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
  // As the owner's end does: nobody reads that it is ready.
  door.stdout.destroy();
  await until('the door to be ready', () => Promise.resolve(traces(folder).processes.length > 1));
  door.stdin.end();
  await once(door, 'exit');
  expect(traces(folder)).toEqual(nothing);
});

test('kill -9 of the door ends every process, its owner hears of it, and the next cluster removes the rest', async () => {
  const owner = startOwner();
  const folder = await ready(owner);
  const [door] = traces(folder).processes.filter(({ command }) => command.includes('door hold'));
  process.kill(door?.pid ?? 0, 'SIGKILL');
  const [code] = await once(owner, 'exit');
  expect(code).toBe(7);
  await until('the processes to end', async () => traces(folder).processes.length === 0, { timeoutMs: 10_000 });
  expect(existsSync(folder)).toBe(true);

  const next = startOwner();
  const nextFolder = await ready(next);
  expect(traces(folder)).toEqual(nothing);
  next.kill('SIGTERM');
  expect(await left(nextFolder)).toEqual(nothing);
});

/** A process that owns a cluster with a running pod, prints the cluster's folder, and exits with 7 if it breaks. */
function startOwner(): ChildProcess {
  const module = (name: string): string => JSON.stringify(join(import.meta.dirname, `../cluster/${name}.ts`));
  const source = `
    const { startCluster } = await import(${module('cluster')});
    const cluster = await startCluster();
    cluster.broken.addEventListener('abort', () => process.exit(7));
    await cluster.importImage(${JSON.stringify(archive)});
    await cluster.kubectl(['run', 'probe', '--image', 'sluice.test/probe:1', '--image-pull-policy', 'Never']);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/probe', '--timeout=60s']);
    console.log(cluster.folder);
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: temporary },
  });
}

async function ready(owner: ChildProcess): Promise<string> {
  const ended = once(owner, 'exit').then(([code]) => Promise.reject(new Error(`the owner ended with ${String(code)}`)));
  const [line] = (await Promise.race([once(owner.stdout ?? owner, 'data'), ended])) as [Buffer];
  ended.catch(() => {});
  return line.toString().trim();
}

/** What is left of a cluster when it has had time to end. */
async function left(folder: string): Promise<Traces> {
  const isGone = async (): Promise<boolean> => JSON.stringify(traces(folder)) === JSON.stringify(nothing);
  await until('everything to be gone', isGone, { timeoutMs: 10_000 }).catch(() => {});
  return traces(folder);
}

interface Traces {
  folder: boolean;
  processes: { pid: number; command: string }[];
  cgroups: string[];
  mounts: string[];
}

/** What there is of the cluster in `folder`: whatever names its folder, or is in its cgroups. */
function traces(folder: string): Traces {
  const name = basename(folder);
  const cgroups = ['.', ...readdirSync('/sys/fs/cgroup')]
    .map((tree) => join('/sys/fs/cgroup', tree, name))
    .filter(existsSync);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(name));
  return { folder: existsSync(folder), processes: processesNaming(name), cgroups, mounts };
}

function processesNaming(name: string): { pid: number; command: string }[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,cgroup=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes(name))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }));
}
