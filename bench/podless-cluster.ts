/** A cluster whose controllers are real and whose pods are not: made ready by a patch a moment after they appear, so that many cost nothing. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '../src/protocol/kube-object.ts';
import { startControlPlane } from '../test/cluster/control-plane.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { startMeshController } from '../test/cluster/mesh/controller-process.ts';
import { flags, program } from '../test/cluster/programs.ts';
import { openKube, type Kube } from '../test/support/kube.ts';

/** What a small image that is there takes. */
const READY_AFTER_MS = 300;
const node = 'podless';

export interface PodlessCluster extends AsyncDisposable {
  kubeconfig: string;
  kube: Kube;
}

export async function startPodlessCluster(namespaces: string[]): Promise<PodlessCluster> {
  const stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  await installCrds(plane.api);
  stack.use(await startControllers(plane.kubeconfig));
  // linkerd-smi as it ships takes 5 requests a second; here Sluice is to be measured, not its limit.
  stack.use(await startMeshController(plane.kubeconfig, { adaptorQps: 1000 }));
  const kube = stack.use(await openKube(plane.kubeconfig));
  for (const name of namespaces) {
    await kube.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  stack.defer(await playKubelet(kube));
  return { kubeconfig: plane.kubeconfig, kube, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Ends the command when standard input does: also when this process is killed. */
const keeper = `
exec 3<&0
"$@" </dev/null & one=$!
( cat >/dev/null; kill -9 $one ) <&3 &
wait $one`;

async function startControllers(kubeconfig: string): Promise<AsyncDisposable> {
  const binary = await program('kube-controller-manager');
  const parts = ['deployment', 'replicaset', 'endpointslice', 'serviceaccount', 'namespace', 'garbage-collector'];
  const args = flags({
    kubeconfig,
    'leader-elect': 'false',
    'secure-port': '0',
    controllers: parts.map((part) => `${part}-controller`).join(','),
    // Its limit of 20 requests a second is not what is measured either.
    'kube-api-qps': '2000',
    'kube-api-burst': '4000',
    'concurrent-deployment-syncs': '10',
    'concurrent-replicaset-syncs': '10',
  });
  const child = spawn('sh', ['-c', keeper, 'controllers', binary, ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
  return {
    [Symbol.asyncDispose]: async () => {
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}

/** Scheduler and kubelet of a node that is not there. @returns the way to stop. */
async function playKubelet(kube: Kube): Promise<() => void> {
  await kube.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
  const seen = new Set<string>();
  let addresses = 0;
  return kube.watch('/api/v1/pods', ({ type, object }) => {
    const {
      name,
      namespace,
      uid = '',
      deletionTimestamp,
    } = object.metadata as KubeObject['metadata'] & {
      deletionTimestamp?: string;
    };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (deletionTimestamp !== undefined && type === 'MODIFIED') {
      void kube.call('DELETE', `${path}?gracePeriodSeconds=0`);
    }
    if (type !== 'ADDED' || seen.has(uid)) return;
    seen.add(uid);
    void raise(kube, path, object, ++addresses);
  });
}

async function raise(kube: Kube, path: string, pod: KubeObject, address: number): Promise<void> {
  const target = { apiVersion: 'v1', kind: 'Node', name: node };
  await kube.call('POST', `${path}/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: pod.metadata.name },
    target,
  });
  await delay(READY_AFTER_MS);
  await kube.call('PATCH', `${path}/status`, { status: ready(pod, address) }, 'application/merge-patch+json');
}

function ready(pod: KubeObject, address: number): object {
  const { containers } = pod['spec'] as { containers: { name: string; image: string }[] };
  const at = new Date().toISOString();
  const podIP = `10.${100 + (address >> 16)}.${(address >> 8) & 255}.${address & 255}`;
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: at,
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: at })),
    containerStatuses: containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: at } },
    })),
  };
}
