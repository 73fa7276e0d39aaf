/** Pods that come up and end, and the endpoints of Services. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { type Body, matches, type Cluster } from './cluster.ts';
import { isReady } from './workload-controllers.ts';

export interface PodStatus {
  phase: string;
  ready: boolean;
  restarts: number;
  failing: boolean;
  reason: string;
}

const statusOf = (pod: KubeObject): PodStatus => (pod as Body<{ status: PodStatus }>).status;

export class Kubelet {
  /** Pods with this label of a revision never become ready. */
  brokenHash = '';
  readonly #cluster: Cluster;
  #pods = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.onChange((key, object) => {
      if (object?.kind === 'Pod' && object.metadata.deletionTimestamp !== undefined) this.#end(key);
    });
  }

  newPod(set: KubeObject): void {
    const { name, uid = '' } = set.metadata;
    const { template } = (set as Body<{ spec: { template: { metadata: { labels: Record<string, string> } } } }>).spec;
    const status: PodStatus = { phase: 'Pending', ready: false, restarts: 0, failing: false, reason: '' };
    const pod = this.#cluster.create(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `${name}-${++this.#pods}`,
          labels: template.metadata.labels,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true }],
        },
        status,
      },
      'kube-controller-manager',
    );
    if (template.metadata.labels['pod-template-hash'] === this.brokenHash) return;
    const { clock } = this.#cluster;
    clock.after(clock.between(200, 3_000), () =>
      this.#later(`Pod/${pod.metadata.name}`, { phase: 'Running', ready: true }),
    );
  }

  /** @returns false: the pod is gone, or has failed. */
  set(key: string, change: Partial<PodStatus>): boolean {
    const pod = this.#cluster.get(key);
    if (pod === undefined || statusOf(pod).phase === 'Failed') return false;
    this.#cluster.update(key, 'kubelet', (each) => (each['status'] = { ...statusOf(each), ...change }), true);
    return true;
  }

  /** Its container crashes, and is started again. */
  crash(key: string): void {
    const { clock } = this.#cluster;
    const pod = this.#cluster.get(key);
    if (pod === undefined) return;
    const restarts = statusOf(pod).restarts + 1;
    this.set(key, { ready: false, failing: true, reason: 'Error', restarts });
    clock.after(clock.between(2_000, 6_000), () => this.#later(key, { ready: true, failing: false, reason: '' }));
  }

  #end(key: string): void {
    const { clock } = this.#cluster;
    const uid = this.#cluster.get(key)?.metadata.uid;
    clock.after(clock.between(100, 2_000), () => {
      this.#cluster.whenUp(() => {
        const pod = this.#cluster.get(key);
        if (pod?.metadata.uid === uid && pod !== undefined) this.#cluster.delete(key, 'kubelet');
      });
    });
  }

  #later(key: string, change: Partial<PodStatus>): void {
    this.#cluster.whenUp(() => this.set(key, change));
  }
}

/** One slice a Service, named after it. */
export function syncEndpoints(cluster: Cluster, service: string): void {
  const key = `EndpointSlice/${service}`;
  const object = cluster.get(`Service/${service}`);
  if (object === undefined) {
    if (cluster.get(key) !== undefined) cluster.delete(key, 'kube-controller-manager');
    return;
  }
  const { selector } = (object as Body<{ spec: { selector?: Record<string, string> } }>).spec;
  const pods = cluster.ofKind('Pod').filter((pod) => matches(selector, pod.metadata.labels));
  const ready = pods.filter(isReady).map((pod) => pod.metadata.uid ?? '');
  if (cluster.get(key) === undefined) {
    cluster.create(
      { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: service }, ready },
      'kube-controller-manager',
    );
  } else cluster.update(key, 'kube-controller-manager', (each) => (each['ready'] = ready), true);
}

export function endpointsOf(cluster: Cluster, service: string): string[] {
  const slice = cluster.get(`EndpointSlice/${service}`);
  return slice === undefined ? [] : (slice as Body<{ ready: string[] }>).ready;
}
