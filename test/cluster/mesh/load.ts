/** Drives the load generator in a test cluster. */
import { until } from '../api.ts';
import type { RunningCluster } from '../cluster.ts';
import type { ClientCounts, ClientState, Snapshot } from './counts.ts';
import { difference } from './counts.ts';
import { loadManifests } from './manifests.ts';
import { loadImage, meshArchives } from './program-images.ts';

/** A client to start. */
export interface ClientSpec {
  name: string;
  /** `meshed`: behind a Linkerd outbound proxy. `unmeshed`: by the ClusterIP through kube-proxy. Both keep connections. */
  mode: 'meshed' | 'unmeshed';
  /** `http://service.namespace:port/path`. */
  url: string;
  /** Requests a second. */
  rate: number;
  /** Default 10. */
  concurrency?: number;
  /** Default 10,000. */
  timeoutMs?: number;
  /** Decides which backend each request of a meshed client is for; default 1. */
  seed?: number;
  /** Where a meshed client is thought to run; default: the load generator's. */
  namespace?: string;
}

/** One second of a client. */
interface Second {
  /** Unix time. */
  second: number;
  failed: number;
  byVersion: Record<string, number>;
}

/** A running load generator. */
export interface Load extends AsyncDisposable {
  startClient(spec: ClientSpec): Promise<void>;
  /** Sends nothing more, waits for the answers that are due, and returns all it counted. */
  stopClient(name: string): Promise<ClientState>;
  counts(): Promise<Snapshot>;
  /** Takes the counts and keeps them under a name. */
  mark(name: string): Promise<Snapshot>;
  /** What each client counted between two marks. */
  between(earlier: string, later: string): Promise<Record<string, ClientCounts>>;
  /** A client's seconds in [from, to], Unix times; half an hour is kept. */
  series(name: string, from?: number, to?: number): Promise<Second[]>;
  /** Removes the load generator. */
  stop(): Promise<void>;
}

/** Starts a load generator as a pod and returns once it knows the cluster. */
export async function startLoad(
  cluster: Pick<RunningCluster, 'api' | 'apply' | 'importImage' | 'forward'>,
  { namespace = 'load', name = 'load' } = {},
): Promise<Load> {
  const { load } = await meshArchives();
  await cluster.importImage(load);
  await cluster.apply(loadManifests(loadImage, namespace, name));
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  let ip = '';
  await until('the load generator to run', async () => {
    const { body } = await cluster.api.call('GET', path);
    const { status } = body as { status?: { podIP?: string; phase?: string } };
    ip = status?.podIP ?? '';
    return status?.phase === 'Running' && ip !== '';
  });
  const forward = await cluster.forward(`${ip}:8080`);
  // Asked by ourselves: the kubelet asks once a second.
  await until('the load generator to be ready', async () => (await fetch(`http://127.0.0.1:${forward.port}/ready`)).ok);
  const stop = async (): Promise<void> => {
    await forward.close();
    await cluster.api.call('DELETE', path);
  };
  return { ...control(`http://127.0.0.1:${forward.port}`), stop, [Symbol.asyncDispose]: stop };
}

function control(base: string): Omit<Load, 'stop' | typeof Symbol.asyncDispose> {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(base + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`The load generator refused ${method} ${path}: ${answer}`);
    return JSON.parse(answer);
  };
  const snapshot = async (method: string, path: string): Promise<Snapshot> => (await call(method, path)) as Snapshot;
  return {
    startClient: async (spec) => void (await call('POST', '/clients', spec)),
    stopClient: async (name) => (await call('DELETE', `/clients/${name}`)) as ClientState,
    counts: () => snapshot('GET', '/counts'),
    mark: (name) => snapshot('POST', `/marks/${name}`),
    between: async (earlier, later) =>
      difference(await snapshot('GET', `/marks/${earlier}`), await snapshot('GET', `/marks/${later}`)),
    series: async (name, from = 0, to = Number.MAX_SAFE_INTEGER) =>
      (await call('GET', `/series/${name}?from=${from}&to=${to}`)) as Second[],
  };
}
