/** A real Prometheus in a test cluster's network, scraping the proxies' metrics. */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openKube } from '../../support/kube.ts';
import { until } from '../api.ts';
import type { RunningCluster } from '../cluster.ts';
import { ensurePackages } from '../packages.ts';

/** A sample of an instant query. */
interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** A running Prometheus. */
export interface Prometheus extends AsyncDisposable {
  /** `http://127.0.0.1:port` on this host. */
  url: string;
  /** `http://address:port` for pods and for programs inside the cluster. */
  urlInside: string;
  /** An instant query's samples. @throws what Prometheus says of a bad query */
  query(promql: string): Promise<Sample[]>;
  stop(): Promise<void>;
}

/** What {@link startPrometheus} can be told. */
export interface PrometheusOptions {
  /** A Prometheus duration; default `1s`. */
  scrapeInterval?: string;
  /** Default 9090; another for a second one in the same cluster. */
  port?: number;
  /** On this host; default: any free one. */
  hostPort?: number;
}

/**
 * Starts Prometheus, scraping port 4191 of every running pod, with the labels `namespace`, `pod`, and the pod's own
 * `app` and `pod_template_hash`. Ends with `stop`, or with the cluster, and its data with it.
 */
export async function startPrometheus(cluster: RunningCluster, options: PrometheusOptions = {}): Promise<Prometheus> {
  const { scrapeInterval = '1s', port = 9090, hostPort } = options;
  await ensurePackages(['prometheus']);
  const folder = join(cluster.folder, `prometheus-${port}`);
  await mkdir(join(folder, 'data'), { recursive: true });
  const unfollow = await followPods(cluster.kubeconfig, join(folder, 'targets.json'));
  writeFileSync(join(folder, 'prometheus.yml'), stringify(configuration(scrapeInterval)));
  const address = `${cluster.nodeAddress}:${port}`;
  const log = await open(join(folder, 'prometheus.log'), 'a');
  const child = cluster.exec(
    [
      'prometheus',
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: ['ignore', log.fd, log.fd], cwd: folder },
  );
  const exit = once(child, 'exit');
  await log.close();
  const forward = await cluster.forward(address, hostPort);
  const url = `http://127.0.0.1:${forward.port}`;
  const stop = async (): Promise<void> => {
    unfollow();
    await forward.close();
    // Its data goes with the cluster, so there is nothing to end in order.
    child.kill('SIGKILL');
    await exit;
  };
  try {
    await until('Prometheus', async () => (await fetch(`${url}/-/ready`)).ok, { timeoutMs: 30_000 });
  } catch (error) {
    await stop();
    const said = (await readFile(join(folder, 'prometheus.log'), 'utf8')).slice(-2000);
    throw new Error(`Prometheus did not start: ${said}`, { cause: error });
  }
  const urlInside = `http://${address}`;
  return { url, urlInside, query: (promql) => query(url, promql), stop, [Symbol.asyncDispose]: stop };
}

function configuration(scrapeInterval: string): unknown {
  return {
    global: { scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval },
    scrape_configs: [{ job_name: 'linkerd-proxy', file_sd_configs: [{ files: ['targets.json'] }] }],
  };
}

interface Pod {
  metadata: { uid?: string; name: string; namespace?: string; labels?: Record<string, string> };
  status?: { podIP?: string; phase?: string };
}

/** Debian's build of Prometheus knows no Kubernetes: the targets come from a file that it watches. */
async function followPods(kubeconfig: string, file: string): Promise<() => void> {
  const kube = await openKube(kubeconfig);
  const pods = new Map<string, Pod>();
  const write = (): void => {
    // Renamed into place: Prometheus never reads half a list.
    writeFileSync(`${file}.new`, JSON.stringify([...pods.values()].flatMap(targetOf)));
    renameSync(`${file}.new`, file);
  };
  write();
  const unwatch = await kube.watch('/api/v1/pods', ({ type, object }) => {
    const uid = object.metadata.uid ?? '';
    if (type === 'DELETED') pods.delete(uid);
    else if (type === 'ADDED' || type === 'MODIFIED') pods.set(uid, object);
    write();
  });
  return () => {
    unwatch();
    kube[Symbol.dispose]();
  };
}

function targetOf({ metadata, status }: Pod): { targets: string[]; labels: Record<string, string> }[] {
  if (status?.podIP === undefined || status.phase !== 'Running') return [];
  const { app, 'pod-template-hash': hash } = metadata.labels ?? {};
  const own = { ...(app === undefined ? {} : { app }), ...(hash === undefined ? {} : { pod_template_hash: hash }) };
  const labels = { namespace: metadata.namespace ?? '', pod: metadata.name, ...own };
  return [{ targets: [`${status.podIP}:4191`], labels }];
}

async function query(url: string, promql: string): Promise<Sample[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`);
  const answer = (await response.json()) as {
    error?: string;
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (answer.error !== undefined) throw new Error(`Prometheus refused ${promql}: ${answer.error}`);
  return (answer.data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}
