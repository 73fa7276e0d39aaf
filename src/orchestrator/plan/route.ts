/** The objects that hold weights: the TrafficSplit and its companion HTTPRoute. Both are made whole from names and shares. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { WeightRecord } from '../../protocol/snapshot.ts';
import { marks } from './marks.ts';
import type { Shares } from './weights.ts';
import type { ServicePort } from './workload.ts';

/** Everything the run calls by name, decided once. */
export interface RouteNames {
  rolloutId: string;
  namespace: string;
  root: string;
  stable: string;
  canary: string;
  /** True: the run made the canary Service and removes it. False: the user's own. */
  ownsCanary: boolean;
  split: string;
  /** Linkerd serves v1alpha1 and v1alpha2; later versions are ignored by it. */
  splitVersion: 'v1alpha1' | 'v1alpha2';
  /** Companion routes, one per HTTP port of the root; none where the cluster serves none or the root has another's. */
  companions: Companion[];
  /** ServiceProfile that linkerd-smi writes for the root; absent where the kind is not served. */
  profile?: string;
}

export interface Companion {
  name: string;
  port: number;
}

/** A route sends to one port of its backends, so each port of the root has its own. Only TCP ports carry HTTP. */
export function companionsOf(root: string, ports: ServicePort[]): Companion[] {
  const http = ports.filter(({ protocol }) => protocol === undefined || protocol === 'TCP');
  const name = (port: number): string => (http.length === 1 ? `${root}-sluice` : `${root}-sluice-${port}`);
  return http.map(({ port }) => ({ name: name(port), port }));
}

export function splitObject(names: RouteNames, shares: Shares): KubeObject {
  return {
    apiVersion: `split.smi-spec.io/${names.splitVersion}`,
    kind: 'TrafficSplit',
    metadata: { name: names.split, namespace: names.namespace, labels: marks(names.rolloutId, 'split') },
    spec: {
      service: names.root,
      // Order is kept in every write; weight 0 is written out (a left-out 0 made Flagger's splits invalid, #930).
      backends: [
        { service: names.stable, weight: shares.stable },
        { service: names.canary, weight: shares.canary },
      ],
    },
  };
}

/** `kind: Service` and `group: core` must be said: the CRD's default group is the gateway's own. A backend needs its port. */
function companionObject(names: RouteNames, { name, port }: Companion, shares: Shares): KubeObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: names.namespace, labels: marks(names.rolloutId, 'companion') },
    spec: {
      parentRefs: [{ group: 'core', kind: 'Service', name: names.root, port }],
      rules: companionRules(names, port, shares),
    },
  };
}

function companionRules(names: RouteNames, port: number, shares: Shares): unknown[] {
  const backend = (name: string, weight: number): unknown => ({ group: '', kind: 'Service', name, port, weight });
  return [{ backendRefs: [backend(names.stable, shares.stable), backend(names.canary, shares.canary)] }];
}

/** The objects that hold weights, in the order they are written. */
export function weightObjects(names: RouteNames, shares: Shares): KubeObject[] {
  return [
    splitObject(names, shares),
    ...names.companions.map((companion) => companionObject(names, companion, shares)),
  ];
}

/** Do stored weights say just these shares? An absent or foreign backend says no. */
export function holds(names: RouteNames, shares: Shares, stored: WeightRecord[]): boolean {
  const of = (backend: string): number | undefined => stored.find((record) => record.backend === backend)?.weight;
  return stored.length === 2 && of(names.stable) === shares.stable && of(names.canary) === shares.canary;
}
