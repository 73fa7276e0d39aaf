/** All controllers of the model, woken by what concerns them after a moment; each may be stopped. */

import type { Cluster } from './cluster.ts';
import { Refused } from './cluster.ts';
import type { Mesh } from './mesh.ts';
import { Kubelet, syncEndpoints } from './node-controllers.ts';
import { syncDeployment, syncReplicaSet } from './workload-controllers.ts';

export class Controllers {
  readonly kubelet: Kubelet;
  /** kube-controller-manager. */
  isStopped = false;
  readonly #cluster: Cluster;
  readonly #mesh: Mesh;
  readonly #due = new Set<string>();

  constructor(cluster: Cluster, mesh: Mesh) {
    this.#cluster = cluster;
    this.#mesh = mesh;
    this.kubelet = new Kubelet(cluster);
    cluster.onChange((key, object) => this.#changed(key, object?.kind ?? key.slice(0, key.indexOf('/'))));
  }

  /** Everything is looked at again. */
  wakeAll(): void {
    for (const key of this.#cluster.objects.keys()) this.#changed(key, key.slice(0, key.indexOf('/')));
  }

  #changed(key: string, kind: string): void {
    const name = key.slice(key.indexOf('/') + 1);
    switch (kind) {
      case 'Deployment':
        return this.#wake(key, () => syncDeployment(this.#cluster, key));
      case 'ReplicaSet':
        this.#wake(key, () => syncReplicaSet(this.#cluster, key, (set) => this.kubelet.newPod(set)));
        return this.#deployments();
      case 'Pod':
        for (const set of this.#cluster.ofKind('ReplicaSet'))
          this.#changed(`ReplicaSet/${set.metadata.name}`, 'ReplicaSet');
        for (const service of this.#cluster.ofKind('Service')) this.#endpoints(service.metadata.name);
        return;
      case 'Service':
        return this.#endpoints(name);
      case 'TrafficSplit':
        return this.#wake(key, () => this.#mesh.syncProfile(name, name), 5, 40);
      case 'HTTPRoute':
        return this.#wake(key, () => this.#mesh.syncRoute(key), 5, 60);
    }
  }

  #deployments(): void {
    for (const { metadata } of this.#cluster.ofKind('Deployment'))
      this.#changed(`Deployment/${metadata.name}`, 'Deployment');
  }

  #endpoints(service: string): void {
    this.#wake(`EndpointSlice/${service}`, () => syncEndpoints(this.#cluster, service));
  }

  /** Once for many changes, after 1 to 20 ms. */
  #wake(what: string, act: () => void, low = 1, high = 20): void {
    if (this.#due.has(what)) return;
    this.#due.add(what);
    const { clock } = this.#cluster;
    clock.after(clock.between(low, high), () => {
      this.#due.delete(what);
      if (this.isStopped) return;
      try {
        act();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        clock.after(1_000, () => this.#wake(what, act, low, high));
      }
    });
  }
}
