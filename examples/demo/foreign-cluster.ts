/** A cluster that is there already (`KUBECONFIG`: kind, minikube, k3s ...), with what the demo's parts ask of the test cluster. */

import { KubeConfig } from '@kubernetes/client-node';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { openApi, type Api } from '../../test/cluster/api.ts';
import type { Cluster } from '../../test/cluster/cluster.ts';
import type { Access } from '../../test/cluster/kubeconfig.ts';
import { program } from '../../test/cluster/programs.ts';

export type DemoCluster = Pick<Cluster, 'kubeconfig' | 'api' | 'kubectl' | 'apply' | 'importImage' | 'forward'>;

export interface ForeignCluster extends DemoCluster, AsyncDisposable {
  access: Access;
}

/**
 * @param kubeconfig path; its current context is used
 * @param scratch for what kubectl remembers, and the ids of its processes
 * @param rename changes the names of images in whatever is applied
 */
export async function openForeignCluster(
  kubeconfig: string,
  scratch: string,
  rename: (text: string) => string,
): Promise<ForeignCluster> {
  const access = await accessOf(kubeconfig);
  const api = openApi(access);
  const binary = await program('kubectl');
  const run = promisify(execFile);
  // The cache is by host and port, and what was there may be another cluster by now.
  const environment = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(scratch, 'kubectl-cache') };
  const kubectl: DemoCluster['kubectl'] = async (args, input = '') => {
    const running = run(binary, [...args], { env: environment, maxBuffer: 1e8 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  };
  const forwards = new Set<() => Promise<void>>();
  return {
    kubeconfig,
    access,
    api,
    kubectl,
    apply: async (manifest) => {
      const objects = typeof manifest === 'string' ? [manifest] : [manifest].flat().map((object) => stringify(object));
      await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], rename(objects.join('---\n')));
    },
    // Nobody but its owner knows how; before the mesh is installed, all are there.
    importImage: () => Promise.resolve(),
    forward: async (target) => {
      const forward = await portForward(binary, environment, await podAt(api, target));
      writeFileSync(join(scratch, `port-forward-${forward.port}.pid`), String(forward.pid));
      forwards.add(forward.close);
      return forward;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...forwards].map((close) => close()));
      api[Symbol.dispose]();
    },
  };
}

async function accessOf(kubeconfig: string): Promise<Access> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const url = config.getCurrentCluster()?.server;
  if (url === undefined) throw new Error(`${kubeconfig} names no current context with a cluster.`);
  const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key } = options;
  const authority = textOf(ca);
  const token = config.getCurrentUser()?.token;
  if (cert !== undefined && key !== undefined) {
    return { url, authority, credential: { certificate: textOf(cert), key: textOf(key) } };
  }
  if (token !== undefined) return { url, authority, credential: { token } };
  throw new Error(
    `The demo needs a client certificate or a token in ${kubeconfig}; what it has is another way to log in.`,
  );
}

function textOf(pem: unknown): string {
  return Buffer.isBuffer(pem) ? pem.toString() : typeof pem === 'string' ? pem : '';
}

interface PodAt {
  namespace: string;
  name: string;
  port: string;
}

/** @param target address of a pod, and port */
async function podAt(api: Api, target: string): Promise<PodAt> {
  const [address, port = ''] = target.split(':');
  const { body } = await api.call('GET', `/api/v1/pods?fieldSelector=status.podIP%3D${address}`);
  const [pod] = (body as { items: { metadata: { namespace: string; name: string } }[] }).items;
  if (pod === undefined) throw new Error(`No pod has the address ${address}.`);
  return { ...pod.metadata, port };
}

async function portForward(
  binary: string,
  environment: NodeJS.ProcessEnv,
  { namespace, name, port }: PodAt,
): Promise<{ port: number; pid: number | undefined; close: () => Promise<void> }> {
  const child = spawn(binary, ['port-forward', '--namespace', namespace, `pod/${name}`, `:${port}`], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  const first = once(child.stdout, 'data') as Promise<[Buffer]>;
  const said = await Promise.race([first.then(([line]) => line.toString()), ended.then(() => '')]);
  const local = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  if (local === undefined) throw new Error(`kubectl port-forward to ${namespace}/${name} did not start: ${said}`);
  return { port: Number(local), pid: child.pid, close };
}
