/** Prometheus on this host for a cluster that is elsewhere: it reads the proxies' metrics through the API server. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../test/cluster/api.ts';
import type { Access } from '../../test/cluster/kubeconfig.ts';
import { ensurePackages } from '../../test/cluster/packages.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Kube } from '../../test/support/kube.ts';

/**
 * @param folder for configuration, data and log; somebody else removes it.
 * @param port where it is served on loopback.
 */
export async function startOutsidePrometheus(
  access: Access,
  kube: Kube,
  folder: string,
  port: number,
): Promise<AsyncDisposable> {
  await ensurePackages(['prometheus']);
  const home = join(folder, 'prometheus');
  mkdirSync(home);
  const targets = join(home, 'targets.json');
  writeFileSync(targets, '[]');
  writeFileSync(join(home, 'prometheus.yml'), JSON.stringify(configuration(access, home, targets)));
  const stopWatch = await followPods(kube, new URL(access.url).host, targets);
  const address = `127.0.0.1:${port}`;
  const log = openSync(join(home, 'prometheus.log'), 'a');
  const paths = [`--config.file=${join(home, 'prometheus.yml')}`, `--storage.tsdb.path=${join(home, 'data')}`];
  const child = spawn('prometheus', [...paths, `--web.listen-address=${address}`], { stdio: ['ignore', log, log] });
  writeFileSync(join(folder, 'prometheus.pid'), String(child.pid));
  const ended = once(child, 'exit');
  await until('Prometheus', async () => (await fetch(`http://${address}/-/ready`)).ok, { timeoutMs: 30_000 });
  return {
    [Symbol.asyncDispose]: async () => {
      stopWatch();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function configuration({ authority, credential }: Access, home: string, targets: string): object {
  const write = (name: string, text: string): string => {
    writeFileSync(join(home, name), text, { mode: 0o600 });
    return join(home, name);
  };
  const ca = { ca_file: write('ca.crt', authority) };
  const identity =
    'token' in credential
      ? { tls_config: ca, authorization: { credentials_file: write('token', credential.token) } }
      : {
          tls_config: {
            ...ca,
            cert_file: write('client.crt', credential.certificate),
            key_file: write('client.key', credential.key),
          },
        };
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [
      { job_name: 'linkerd-proxy', scheme: 'https', ...identity, file_sd_configs: [{ files: [targets] }] },
    ],
  };
}

async function followPods(kube: Kube, apiHost: string, file: string): Promise<() => void> {
  const pods = new Map<string, KubeObject>();
  return kube.watch('/api/v1/pods', ({ type, object }) => {
    const uid = object.metadata.uid ?? '';
    if (type === 'DELETED') pods.delete(uid);
    else if (type === 'ADDED' || type === 'MODIFIED') pods.set(uid, object);
    // Renamed into place: Prometheus never reads half a list.
    writeFileSync(`${file}.new`, JSON.stringify([...pods.values()].flatMap((pod) => targetOf(pod, apiHost))));
    renameSync(`${file}.new`, file);
  });
}

function targetOf(pod: KubeObject, apiHost: string): object[] {
  const spec = pod['spec'] as { containers: { ports?: { name?: string; containerPort: number }[] }[] };
  const { phase } = pod['status'] as { phase?: string };
  const admin = spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === 'linkerd-admin');
  if (admin === undefined || phase !== 'Running') return [];
  const { namespace = '', name } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:${admin.containerPort}/proxy/metrics`;
  return [{ targets: [apiHost], labels: { namespace, pod: name, instance: name, __metrics_path__: path } }];
}
