/** A real Prometheus in the test cluster's network that scrapes the proxies' metrics of every pod, once a second. */

import { once } from 'node:events';
import { mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { openKube } from './kube.ts';

export interface Prometheus extends AsyncDisposable {
  /** As this host reaches it. */
  url: string;
}

/** @param folder for its configuration, data and log; somebody else removes it. */
export async function startPrometheus(cluster: Cluster, folder: string): Promise<Prometheus> {
  const home = join(folder, 'prometheus');
  mkdirSync(home, { recursive: true });
  // Debian's build knows no Kubernetes, so the targets come from a file, which it watches.
  const targets = join(home, 'targets.json');
  writeFileSync(targets, '[]');
  writeFileSync(join(home, 'prometheus.yml'), JSON.stringify(configuration(targets)));
  const kube = await openKube(cluster.kubeconfig);
  const stopWatch = await followPods(kube, targets);
  const address = `${cluster.nodeAddress}:9090`;
  const log = openSync(join(home, 'prometheus.log'), 'a');
  const child = cluster.exec(
    [
      'prometheus',
      `--config.file=${join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', log, log] },
  );
  const ended = once(child, 'exit');
  const carrier = await cluster.forward(address);
  const url = `http://127.0.0.1:${carrier.port}`;
  await ready(url);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      stopWatch();
      kube[Symbol.dispose]();
      await carrier.close();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** As `linkerd viz` labels what it scrapes: the raw series name no pod. */
function configuration(targets: string): object {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'linkerd-proxy', file_sd_configs: [{ files: [targets] }] }],
  };
}

async function followPods(kube: Awaited<ReturnType<typeof openKube>>, file: string): Promise<() => void> {
  const pods = new Map<string, KubeObject>();
  return kube.watch('/api/v1/pods', ({ type, object }) => {
    const uid = object.metadata.uid ?? '';
    if (type === 'DELETED') pods.delete(uid);
    else if (type === 'ADDED' || type === 'MODIFIED') pods.set(uid, object);
    // Renamed into place: Prometheus never reads half a list.
    writeFileSync(`${file}.new`, JSON.stringify([...pods.values()].flatMap(targetOf)));
    renameSync(`${file}.new`, file);
  });
}

function targetOf(pod: KubeObject): { targets: string[]; labels: Record<string, string> }[] {
  const spec = pod['spec'] as { containers: { ports?: { name?: string; containerPort: number }[] }[] };
  const { podIP } = pod['status'] as { podIP?: string };
  const admin = spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === 'linkerd-admin');
  if (admin === undefined || podIP === undefined) return [];
  const labels = { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name };
  return [{ targets: [`${podIP}:${admin.containerPort}`], labels }];
}

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (response?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`Prometheus at ${url} is not ready after 30 s.`);
    await delay(50);
  }
}
