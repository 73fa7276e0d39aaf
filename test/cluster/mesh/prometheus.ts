/** A real Prometheus in a test cluster's network, scraping the proxies' metrics. */
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { ensurePackages } from '../packages.ts';

/** A running Prometheus. */
export interface Prometheus extends AsyncDisposable {
  /** `http://127.0.0.1:port` on this host. */
  url: string;
  /** `http://address:port` for pods and for programs inside the cluster. */
  urlInside: string;
  /** An instant query's samples. */
  query(promql: string): Promise<{ metric: Record<string, string>; value: number }[]>;
  stop(): Promise<void>;
}

/** What {@link startPrometheus} can be told. */
export interface PrometheusOptions {
  /** A Prometheus duration; default `1s`. */
  scrapeInterval?: string;
  /** Default 9090; another for a second one in the same cluster. */
  port?: number;
}

/** Starts Prometheus; it scrapes port 4191 of every running pod. Ends with `stop`, or with the cluster. */
export async function startPrometheus(cluster: Cluster, options: PrometheusOptions = {}): Promise<Prometheus> {
  const { scrapeInterval = '1s', port = 9090 } = options;
  await ensurePackages(['prometheus']);
  const folder = join(cluster.folder, `prometheus-${port}`);
  await mkdir(join(folder, 'data'), { recursive: true });
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, stringify(configuration(cluster.kubeconfigInside, scrapeInterval)));
  const address = `${cluster.nodeAddress}:${port}`;
  const log = await open(join(folder, 'prometheus.log'), 'a');
  const argv = [
    'prometheus',
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
  ];
  const child = cluster.exec(argv, { stdio: ['ignore', log.fd, log.fd], cwd: folder });
  const exit = once(child, 'exit');
  await log.close();
  const forward = await cluster.forward(address);
  const url = `http://127.0.0.1:${forward.port}`;
  const stop = async (): Promise<void> => {
    await forward.close();
    child.kill('SIGTERM');
    await exit;
  };
  try {
    await until('Prometheus', async () => (await fetch(`${url}/-/ready`)).ok, { timeoutMs: 30_000 });
  } catch (error) {
    await stop();
    const said = (await readFile(join(folder, 'prometheus.log'), 'utf8')).slice(-2000);
    throw new Error(`Prometheus did not start: ${said}`, { cause: error });
  }
  return {
    url,
    urlInside: `http://${address}`,
    query: (promql) => query(url, promql),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Labels as they are customary: `namespace`, `pod`, and the pod's own labels `app` and `pod_template_hash`. */
function configuration(kubeconfig: string, scrapeInterval: string): unknown {
  const label = (from: string, to: string): unknown => ({ source_labels: [from], target_label: to });
  return {
    global: { scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval },
    scrape_configs: [
      {
        job_name: 'linkerd-proxy',
        kubernetes_sd_configs: [{ role: 'pod', kubeconfig_file: kubeconfig }],
        relabel_configs: [
          { source_labels: ['__meta_kubernetes_pod_phase'], action: 'keep', regex: 'Running' },
          // A pod has a target for each of its ports; with the same address and labels they become one.
          { source_labels: ['__meta_kubernetes_pod_container_init'], action: 'drop', regex: 'true' },
          { source_labels: ['__meta_kubernetes_pod_ip'], target_label: '__address__', replacement: '$1:4191' },
          label('__meta_kubernetes_namespace', 'namespace'),
          label('__meta_kubernetes_pod_name', 'pod'),
          label('__meta_kubernetes_pod_label_app', 'app'),
          label('__meta_kubernetes_pod_label_pod_template_hash', 'pod_template_hash'),
        ],
      },
    ],
  };
}

async function query(url: string, promql: string): Promise<{ metric: Record<string, string>; value: number }[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`);
  const answer = (await response.json()) as {
    error?: string;
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (answer.error !== undefined) throw new Error(`Prometheus refused ${promql}: ${answer.error}`);
  return (answer.data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}
