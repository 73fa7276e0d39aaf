/** linkerd-smi and the policy controller: a ServiceProfile that follows the split, and the status of routes. Either may lag or stop. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { type Body, type Cluster } from './cluster.ts';

interface Split {
  spec: { service: string; backends: { service: string; weight: number }[] };
}

export class Mesh {
  isAdaptorStopped = false;
  isPolicyStopped = false;
  readonly #cluster: Cluster;
  readonly #namespace: string;

  constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
  }

  /** The root's ServiceProfile as the split has it; emptied, not removed, when the split is gone. */
  syncProfile(split: string, root: string): void {
    if (this.isAdaptorStopped) return;
    const name = this.profileOf(root);
    const key = `ServiceProfile/${name}`;
    const object = this.#cluster.get(`TrafficSplit/${split}`);
    const backends = object === undefined ? [] : (object as Body<Split>).spec.backends;
    const domain = `${this.#namespace}.svc.cluster.local`;
    const overrides = backends.map(({ service, weight }) => ({ authority: `${service}.${domain}`, weight }));
    if (this.#cluster.get(key) !== undefined) {
      this.#cluster.update(key, 'linkerd-smi', (each) => (each['spec'] = { dstOverrides: overrides }));
    } else if (object !== undefined) {
      const made: KubeObject = {
        apiVersion: 'linkerd.io/v1alpha2',
        kind: 'ServiceProfile',
        metadata: { name },
        spec: { dstOverrides: overrides },
      };
      this.#cluster.create(made, 'linkerd-smi');
    }
  }

  syncRoute(key: string): void {
    if (this.isPolicyStopped || this.#cluster.get(key) === undefined) return;
    this.#cluster.update(key, 'linkerd-policy', (each) => (each['status'] = { accepted: true }), true);
  }

  profileOf(root: string): string {
    return `${root}.${this.#namespace}.svc.cluster.local`;
  }
}

export interface Share {
  backend: string;
  weight: number;
}

/** Where each kind of client sends; undefined weights: by the root Service alone. */
export function clientsOf(
  cluster: Cluster,
  root: string,
  profile: string,
  routes: string[],
): Record<'fresh' | 'busy' | 'unmeshed', Share[]> {
  const alone: Share[] = [{ backend: root, weight: 1 }];
  const record = cluster.get(`ServiceProfile/${profile}`);
  const overrides =
    record === undefined
      ? []
      : (record as Body<{ spec: { dstOverrides: { authority: string; weight: number }[] } }>).spec.dstOverrides;
  const shares = overrides.map(({ authority, weight }) => ({ backend: authority.split('.')[0] ?? '', weight }));
  const [route] = routes.flatMap((name) => cluster.get(`HTTPRoute/${name}`) ?? []);
  const isAccepted =
    route !== undefined && (route as Body<{ status?: { accepted?: boolean } }>).status?.accepted === true;
  const refs = isAccepted
    ? (route as Body<{ spec: { rules: { backendRefs: { name: string; weight: number }[] }[] } }>).spec.rules[0]
        ?.backendRefs
    : undefined;
  return {
    fresh: shares.length === 0 ? alone : shares,
    busy: refs?.map(({ name, weight }) => ({ backend: name, weight })) ?? alone,
    unmeshed: alone,
  };
}
