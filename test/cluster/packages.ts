/** What the distribution has to bring: the container runtime, CNI plugins, nftables. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { lock } from './cache.ts';
import { toStandardError, type Progress } from './progress.ts';

/** A package of Debian and Ubuntu, and a file by which it is known to be there, in any of the folders. */
const packages = {
  containerd: 'containerd',
  runc: 'runc',
  'containernetworking-plugins': 'ptp',
  nftables: 'nft',
  iproute2: 'ip',
  'util-linux': 'flock',
  prometheus: 'prometheus',
} as const;

/** How long an installation takes, downloads included. */
export const INSTALL_SECONDS = 30;

/** The packages that a test may ask for. */
export type PackageName = keyof typeof packages;

/** All that a node needs. */
export const nodePackages: readonly PackageName[] = [
  'containerd',
  'runc',
  'containernetworking-plugins',
  'nftables',
  'iproute2',
  'util-linux',
];

/** Debian's folder of CNI plugins, then everybody else's. */
const cniFolders = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];

/** The folder that CNI plugins are in. */
export function cniFolder(): string {
  return cniFolders.find((folder) => existsSync(join(folder, 'ptp'))) ?? '/usr/lib/cni';
}

/**
 * Installs what is missing, saying which first. Only as root, on Debian and its relatives, and unless
 * `SLUICE_NO_INSTALL=1`; else it fails with the line to run.
 */
export async function ensurePackages(
  names: readonly PackageName[],
  progress: Progress = toStandardError,
): Promise<void> {
  const absentNames = missingPackages(names).join(' ');
  if (absentNames === '') return;
  const line = `apt-get install -y --no-install-recommends ${absentNames}`;
  const absent = `These packages are missing: ${absentNames}.`;
  if (process.env['SLUICE_NO_INSTALL'] === '1' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `${absent} Run, as root: ${line}\n` +
        `(other distributions: the packages of the same content). Or set KUBECONFIG to a cluster you have.`,
    );
  }
  await progress.during(`installing ${absentNames}`, INSTALL_SECONDS, async () => {
    await using _lock = await lock('/var/lock/sluice-packages', () =>
      progress.say('another process is installing packages'),
    );
    if (missingPackages(names).length === 0) return;
    progress.say(`${absent} Installing: ${line}`);
    await withoutServices(() => install(line));
  });
  if (missingPackages(names).length > 0)
    throw new Error(`"${line}" ran, yet these are missing: ${missingPackages(names).join(' ')}.`);
}

async function install(line: string): Promise<void> {
  if ((await aptGet(line)).code === 0) return;
  await aptGet('apt-get update');
  const { code, output } = await aptGet(line);
  if (code !== 0) throw new Error(`"${line}" failed:\n${output.slice(-3000)}`);
}

/** Those that are not installed. */
export function missingPackages(names: readonly PackageName[]): PackageName[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', ...cniFolders];
  return names.filter((name) => !folders.some((folder) => existsSync(join(folder, packages[name]))));
}

async function aptGet(line: string): Promise<{ code: number | null; output: string }> {
  const [command = '', ...args] = line.split(' ');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  return { code, output };
}

/** Debian starts what it installs; a policy that forbids it is its documented way out. We start our own, and end them. */
async function withoutServices(install: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await install();
  } finally {
    if (ours) await rm(policy, { force: true });
  }
}
