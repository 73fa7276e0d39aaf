/** A real Kubernetes node in namespaces of its own, which end with the process that started them. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Api } from './api.ts';
import { ensureServiceAccount, openApi, serviceAccountToken, until } from './api.ts';
import type { Door } from './door.ts';
import { openDoor } from './door.ts';
import { dnsObjects } from './dns.ts';
import { toStandardError, type Progress } from './progress.ts';
import { fillImageStore } from './image-store.ts';
import { buildImage } from './image.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { Access } from './kubeconfig.ts';
import type { NodeSettings } from './node.ts';
import {
  apiAddress,
  commands,
  ctr,
  networkScript,
  nodeAddress,
  resolvConf,
  writeConfigurations,
  writeCredentials,
} from './node.ts';
import { ensurePackages, nodePackages } from './packages.ts';
import { nodePrograms, programPaths } from './programs.ts';

/** A running cluster. */
export interface Cluster extends AsyncDisposable {
  /** The path of the administrator's kubeconfig, for programs on this host. */
  kubeconfig: string;
  /** The same for programs started by {@link Cluster.exec}. */
  kubeconfigInside: string;
  /** Makes the ServiceAccount (and its namespace) if need be; returns the path of a kubeconfig with a token of it. */
  kubeconfigFor(namespace: string, serviceAccount: string): Promise<string>;
  /** Calls the API as the administrator. */
  api: Api;
  /** The node's address, seen by pods and by programs inside. */
  nodeAddress: string;
  /** Where its files and logs are (`kubelet.log`, ...). Removed when it stops. */
  folder: string;
  /** Aborted, with a reason that quotes the log, when one of its programs ends by itself. */
  broken: AbortSignal;
  /** Runs kubectl and returns its standard output. @throws with what it said, if it fails */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Server-side apply of YAML text, one object or several. */
  apply(manifest: string | object | readonly object[]): Promise<void>;
  /** Makes an image archive (`buildImage`) known to the node; done already, it costs nothing. */
  importImage(archive: string): Promise<void>;
  /** A process in the cluster's network that resolves Service names; it ends with the cluster at the latest. */
  exec(command: readonly string[], options?: SpawnOptions): ChildProcess;
  /**
   * Carries a loopback port of this host to `host:port` inside; the host may be an address or a Service (`web.shop`).
   * @param port 0, the default: any free one.
   */
  forward(target: string, port?: number): Promise<Carrier & { port: number }>;
  /** Lets pods reach a loopback port of this host at the node's address. */
  reverse(hostPort: number, insidePort?: number): Promise<Carrier & { address: string }>;
  /** Ends everything and waits until it is gone. */
  stop(): Promise<void>;
}

/** Something that carries TCP until it is closed. */
interface Carrier {
  close: () => Promise<void>;
}

/** What {@link startCluster} can be told. */
export interface ClusterOptions {
  /** Aborting it stops the start, or the cluster that came of it. */
  signal?: AbortSignal;
  progress?: Progress;
  /** Archives of images to have from the start; faster than `importImage`, most of all if they are big. */
  images?: readonly string[];
  /** The longest pause before a container that ended is started again, at least 1; by default Kubernetes' own, 10 to 300. */
  restartPauseSeconds?: number;
}

/** Builds and installs all that a cluster needs; quick if that has been done. */
export async function prepareCluster(progress: Progress = toStandardError): Promise<NodeSettings['binaries']> {
  requireLinuxAndRoot();
  await ensurePackages(nodePackages, progress);
  return programPaths(nodePrograms, progress);
}

/**
 * Starts a single-node cluster: Kubernetes 1.37 with RBAC, DNS and kube-proxy. Needs Linux and root.
 * Several can run side by side, in no way connected. Ready means: pods can start, Services and names work.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { signal, progress = toStandardError, images = [], restartPauseSeconds } = options;
  const binaries = await prepareCluster(progress);
  const pause = await buildImage({
    name: 'sluice.test/pause:1',
    files: { '/pause': binaries.pause },
    entrypoint: ['/pause'],
  });
  signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cluster-'));
  const settings: NodeSettings = { folder, binaries, restartPauseSeconds };
  await writeFile(join(folder, 'resolv.conf'), resolvConf);
  const door = await openDoor(binaries.door, folder);
  const close = (): void => void door.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    const either = signal === undefined ? door.broken : AbortSignal.any([door.broken, signal]);
    const access = await startPrograms(door, settings, [pause, ...images], either);
    const cluster = await open(door, settings, access, [pause, ...images]);
    const stop = async (): Promise<void> => {
      signal?.removeEventListener('abort', close);
      cluster.api[Symbol.dispose]();
      await door.close();
    };
    await waitUntilReady(cluster, either);
    return { ...cluster, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await door.close();
    throw error;
  }
}

/** @throws with what to do, where no cluster can run */
export function requireLinuxAndRoot(): void {
  if (process.platform === 'linux' && process.getuid?.() === 0) return;
  throw new Error(
    'The test cluster needs Linux and root (namespaces, cgroups). Where there is neither, set KUBECONFIG to a cluster ' +
      'you have (kind, minikube, ...); integration tests need only the control plane and run anywhere.',
  );
}

/** Starts the node's programs, each as soon as what it needs is there; returns the access from outside. */
async function startPrograms(
  door: Door,
  settings: NodeSettings,
  images: readonly string[],
  signal: AbortSignal,
): Promise<Access> {
  const { folder } = settings;
  const argv = commands(settings);
  const start = (name: string): Promise<void> => door.start(name, argv[name] ?? []);
  await Promise.all([door.run(['sh', '-c', networkScript]), writeConfigurations(settings)]);
  const inside = await writeCredentials(settings);
  await Promise.all([start('etcd'), start('kube-apiserver')]);
  const url = `https://${await door.forward(apiAddress)}`;
  const access = { ...inside, url };
  using api = openApi(access);
  const runtime = async (): Promise<void> => {
    await fillImageStore(door, folder, images);
    await start('containerd');
    await until('containerd', async () => (await door.run([...ctr(folder), 'version'])) !== '', { signal });
  };
  await Promise.all([
    runtime(),
    until('the API server', async () => (await api.call('GET', '/readyz')).status === 200, { signal }),
  ]);
  await Promise.all(['kubelet', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'coredns'].map(start));
  for (const [path, object] of dnsObjects) {
    const { status, body } = await api.call('POST', path, object);
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${JSON.stringify(body)}`);
  }
  return access;
}

/** A cluster in the hands of one who may not end it. */
export type RunningCluster = Omit<Cluster, 'stop' | typeof Symbol.asyncDispose>;

async function open(
  door: Door,
  settings: NodeSettings,
  access: Access,
  images: readonly string[],
): Promise<RunningCluster> {
  const { folder, binaries } = settings;
  const kubeconfig = await writeKubeconfig(join(folder, 'kubeconfig'), access);
  // The cache is by host and port, and the ports of dead clusters come back.
  const environment = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(folder, 'kubectl-cache') };
  const kubectl = (args: readonly string[], input = ''): Promise<string> =>
    output(spawn(binaries.kubectl, args, { env: environment }), `kubectl ${args.join(' ')}`, input);
  const api = openApi(access);
  const imports = new Map(images.map((archive) => [archive, Promise.resolve()]));
  return {
    kubeconfig,
    kubeconfigInside: join(folder, 'kubeconfig-inside'),
    kubeconfigFor: async (namespace, name) => {
      await ensureServiceAccount(api, namespace, name);
      const credential = { token: await serviceAccountToken(api, namespace, name) };
      return writeKubeconfig(join(folder, `kubeconfig-of-${namespace}-${name}`), { ...access, credential, namespace });
    },
    api,
    nodeAddress,
    folder,
    broken: door.broken,
    kubectl,
    apply: async (manifest) => {
      await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], asYaml(manifest));
    },
    importImage: (archive) => {
      const begun = imports.get(archive) ?? importInto(door, folder, archive);
      imports.set(archive, begun);
      return begun;
    },
    exec: (command, options) => door.exec(command, options),
    forward: async (target, port) => {
      const address = await door.forward(target, port);
      return { port: Number(address.split(':').at(-1)), close: () => door.stopCarrying(address) };
    },
    reverse: async (hostPort, insidePort = 0) => {
      const address = await door.reverse(`${nodeAddress}:${insidePort}`, `127.0.0.1:${hostPort}`);
      return { address, close: () => door.stopCarrying(address) };
    },
  };
}

async function importInto(door: Door, folder: string, archive: string): Promise<void> {
  await door.run([...ctr(folder), 'images', 'import', archive]);
}

/** A pod can be made, with a token; and a Service's name leads, through kube-proxy, to the API. */
async function waitUntilReady(cluster: RunningCluster, signal: AbortSignal): Promise<void> {
  const exists = (what: string, path: string): Promise<void> =>
    until(what, async () => (await cluster.api.call('GET', path)).status === 200, { signal });
  const named = await cluster.forward('kubernetes.default:443');
  const byName = openApi({ url: `https://127.0.0.1:${named.port}`, authority: '', credential: { token: '' } });
  await Promise.all([
    until('the node to be ready', async () => isNodeReady(await cluster.api.call('GET', '/api/v1/nodes/node')), {
      signal,
    }),
    exists('the default ServiceAccount', '/api/v1/namespaces/default/serviceaccounts/default'),
    exists('the CA for pods', '/api/v1/namespaces/default/configmaps/kube-root-ca.crt'),
    until('Service names to work', () => answers(byName), { signal }),
  ]);
  byName[Symbol.dispose]();
  await named.close();
}

/** An untrusted certificate is an answer: only the API server has one. */
async function answers(api: Api): Promise<boolean> {
  try {
    await api.call('GET', '/');
    return true;
  } catch (error) {
    return /certificate/.test(String(error));
  }
}

function isNodeReady({ body }: { body: unknown }): boolean {
  const node = body as {
    status?: { conditions?: { type: string; status: string }[] };
    spec?: { taints?: unknown[] };
  };
  const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return ready && (node.spec?.taints ?? []).length === 0;
}

function asYaml(manifest: string | object | readonly object[]): string {
  if (typeof manifest === 'string') return manifest;
  const objects = Array.isArray(manifest) ? (manifest as readonly object[]) : [manifest];
  return objects.map((object) => stringify(object)).join('---\n');
}

async function output(child: ChildProcess, what: string, input: string): Promise<string> {
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin?.on('error', () => {}); // It ended before it read all: its exit code says why.
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${what} ended with code ${code}: ${Buffer.concat(errors).toString()}`);
  return Buffer.concat(out).toString();
}
