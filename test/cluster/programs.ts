/** The cluster's own programs: which versions, from which module, and how to name them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GoProgram } from './go-build.ts';
import { FEW_SECONDS, goBuild, isBuilt } from './go-build.ts';
import { showSeconds, toStandardError, type Progress } from './progress.ts';

const kubernetesVersion = '1.37.2';

const binaries = join(import.meta.dirname, 'binaries');
const kubernetes = join(binaries, 'kubernetes');

/** Without these `kubectl version`, and Helm's `kubeVersion` with it, would read "v0.0.0-master". */
const versionVariables = {
  'k8s.io/component-base/version.gitVersion': `v${kubernetesVersion}`,
  'k8s.io/component-base/version.gitMajor': kubernetesVersion.split('.')[0] ?? '',
  'k8s.io/component-base/version.gitMinor': kubernetesVersion.split('.')[1] ?? '',
  'k8s.io/component-base/version.gitTreeState': 'clean',
  'k8s.io/component-base/version.gitCommit': 'unknown',
};

function kubernetesProgram(name: string, expectedSeconds: number): GoProgram {
  const path = `k8s.io/kubernetes/cmd/${name}`;
  return { name, module: kubernetes, package: path, variables: versionVariables, expectedSeconds };
}

/** Times are of two cores with nothing compiled before; in this order, the later ones share what the earlier compiled. */
const programs = {
  etcd: { name: 'etcd', module: kubernetes, package: 'go.etcd.io/etcd/server/v3', expectedSeconds: 65 },
  'kube-apiserver': kubernetesProgram('kube-apiserver', 300),
  'kube-controller-manager': kubernetesProgram('kube-controller-manager', 100),
  'kube-scheduler': kubernetesProgram('kube-scheduler', 15),
  kubelet: kubernetesProgram('kubelet', 30),
  'kube-proxy': kubernetesProgram('kube-proxy', 20),
  kubectl: kubernetesProgram('kubectl', 35),
  coredns: { name: 'coredns', module: join(binaries, 'coredns'), package: '.', expectedSeconds: 70 },
  helm: {
    name: 'helm',
    module: join(binaries, 'helm'),
    package: 'helm.sh/helm/v4/cmd/helm',
    expectedSeconds: 150,
    variables: { 'helm.sh/helm/v4/internal/version.version': 'v4.3.1' },
  },
  door: { name: 'door', module: join(import.meta.dirname, 'door'), package: '.' },
  pause: { name: 'pause', module: join(import.meta.dirname, 'pause'), package: '.' },
} satisfies Record<string, GoProgram>;

/** A program that {@link program} can build. */
export type ProgramName = keyof typeof programs;

/** Everything a whole node needs, in the order that compiles least twice. */
export const nodePrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
  'coredns',
  'door',
  'pause',
] as const satisfies readonly ProgramName[];

/**
 * The path of a program's binary, built first if need be. `KUBEBUILDER_ASSETS` (a folder, as setup-envtest
 * makes it) is preferred for the two that the control plane consists of.
 */
export async function program(name: ProgramName, progress: Progress = toStandardError): Promise<string> {
  const path = assetOf(name);
  if (path === undefined) return goBuild(programs[name], progress);
  if (existsSync(path)) return path;
  throw new Error(`KUBEBUILDER_ASSETS is set, but there is no ${path}. Correct it, or unset it to build ${name}.`);
}

/** Where a program is that is brought along; undefined: it is built. */
function assetOf(name: ProgramName): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  return assets !== undefined && (name === 'etcd' || name === 'kube-apiserver') ? join(assets, name) : undefined;
}

/** The paths of several programs, built one after the other: they share most of what is compiled. */
export async function programPaths<Name extends ProgramName>(
  names: readonly Name[],
  progress: Progress = toStandardError,
): Promise<Record<Name, string>> {
  const paths: Partial<Record<Name, string>> = {};
  for (const name of names) paths[name] = await program(name, progress);
  return paths as Record<Name, string>;
}

/** Those of `names` that have to be built first, and how long that takes in all on two cores. */
export async function unbuilt(names: readonly ProgramName[]): Promise<{ names: ProgramName[]; seconds: number }> {
  const built = await Promise.all(names.map(async (name) => assetOf(name) !== undefined || isBuilt(programs[name])));
  const missing = names.filter((_, index) => built[index] !== true);
  const seconds = missing.reduce(
    (sum, name) => sum + ((programs[name] as GoProgram).expectedSeconds ?? FEW_SECONDS),
    0,
  );
  return { names: missing, seconds };
}

/** Says whether programs are in the cache or built now, which are not, and how long that takes. */
export function programsLine({ names, seconds }: { names: readonly string[]; seconds: number }, cache: string): string {
  return names.length === 0
    ? `Cluster programs: all are in the cache (${cache}).`
    : `Cluster programs to build, once: ${names.join(', ')} (about ${showSeconds(seconds)}; kept in ${cache}).`;
}

/** Command-line flags, `--name=value` each. */
export function flags(values: Record<string, string>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}
