/** Static Go programs, each built once for each content of its module. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { cacheFolder, folderChecksum, madeOnce } from './cache.ts';
import { toStandardError, type Progress } from './progress.ts';

/** One program to build. */
export interface GoProgram {
  /** The file's name. */
  name: string;
  /** The folder with `go.mod`; its Go files and module files are the key of the cache. */
  module: string;
  /** What to give `go build`: `.`, `./cmd/x`, or the import path of a dependency. */
  package: string;
  /** Linker variables, `import/path.name` to value. */
  variables?: Record<string, string>;
  /** What the first build takes on two cores, with what was compiled for those before it; default: a few seconds. */
  expectedSeconds?: number;
}

/** Of a program that does not say. */
export const FEW_SECONDS = 5;

/** The path of the program's binary, whether it is there or not. */
async function binaryOf(program: GoProgram): Promise<string> {
  const checksum = await folderChecksum(program.module, (path) =>
    /(^|\/)(go\.(mod|sum)|[^/]+(?<!_test)\.go)$/.test(path),
  );
  const folder = join(cacheFolder(), 'programs', `${basename(program.module)}-${checksum}-${process.arch}`);
  return join(folder, program.name);
}

/** The cache has it. */
export async function isBuilt(program: GoProgram): Promise<boolean> {
  return existsSync(await binaryOf(program));
}

/** Builds the program unless the cache has it, and returns the path of its binary. */
export async function goBuild(program: GoProgram, progress: Progress = toStandardError): Promise<string> {
  const { name, expectedSeconds = FEW_SECONDS } = program;
  const binary = await binaryOf(program);
  const make = (): Promise<string> =>
    madeOnce(
      binary,
      (target) => compile(program, target),
      () => progress.say(`another process is building ${name}`),
    );
  return existsSync(binary) ? make() : progress.during(`building ${name}`, expectedSeconds, make);
}

/**
 * Builds the static Go program in `folder` (a package of any Go module) and returns the path of its binary.
 * The cache's key is the content of the whole module it belongs to.
 */
export async function goProgram(folder: string, progress: Progress = toStandardError): Promise<string> {
  return goBuild(programIn(folder), progress);
}

/** The program in a folder of any Go module. */
export function programIn(folder: string): GoProgram {
  const module = moduleOf(resolve(folder));
  const path = relative(module, resolve(folder));
  return { name: basename(folder), module, package: path === '' ? '.' : `./${path}` };
}

function moduleOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'go.mod'))) return at;
    if (dirname(at) === at) throw new Error(`No go.mod in ${folder} or above it.`);
  }
}

/** From 1.21 on Go fetches the version that a module asks for by itself; Debian 12's own is 1.19. */
function hasGo(): boolean {
  const { status, stdout } = spawnSync('go', ['version'], { encoding: 'utf8' });
  const minor = /go1\.(\d+)/.exec(stdout ?? '')?.[1];
  return status === 0 && Number(minor) >= 21;
}

async function compile(program: GoProgram, target: string): Promise<void> {
  if (!hasGo()) {
    throw new Error(
      `${program.name} has to be built once and there is no Go here (1.21 or newer). Install Go 1.26 or newer (https://go.dev/dl), ` +
        `or use what you have: KUBECONFIG names a cluster (demo, e2e tests), KUBEBUILDER_ASSETS names a folder with ` +
        `kube-apiserver and etcd (integration tests).`,
    );
  }
  const variables = Object.entries(program.variables ?? {}).map(([name, value]) => ` -X ${name}=${value}`);
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', `-s -w${variables.join('')}`];
  const child = spawn('go', ['build', ...flags, '-o', target, program.package], {
    cwd: program.module,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  if (code !== 0) throw new Error(`go build of ${program.name} in ${program.module} failed:\n${errors.slice(-4000)}`);
}
