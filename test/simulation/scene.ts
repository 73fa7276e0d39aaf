/** Where actions take place, and the deeds that they are made of. */

import type { Plan } from '../../src/orchestrator/rollout/model.ts';
import type { SimulatedClock } from './clock.ts';
import { type Body, Refused, type Cluster } from './cluster.ts';
import type { Controllers } from './controllers.ts';
import type { Mesh } from './mesh.ts';
import type { Orchestrator } from './orchestrator.ts';

export interface Scene {
  cluster: Cluster;
  controllers: Controllers;
  mesh: Mesh;
  orchestrator: Orchestrator;
  plan: Plan;
  clock: SimulatedClock;
}

export type Act = (scene: Scene, random: () => number) => void;

export function pick<T>(from: readonly T[], random: () => number): T {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error('There is nothing to pick from.');
  return found;
}

/** People, too, are told that the API server is down, or that it is gone already. */
export function tolerate(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

export function edit(cluster: Cluster, key: string, change: Parameters<Cluster['update']>[2]): void {
  if (cluster.get(key) !== undefined) cluster.update(key, 'kubectl-edit', change);
}

export function remove(cluster: Cluster, key: string): void {
  if (cluster.get(key) !== undefined) cluster.delete(key, 'kubectl-delete');
}

export interface Weighted {
  weight: number;
}

export function fire(cluster: Cluster, plan: Plan): void {
  const key = `ConfigMap/${plan.guard.name}`;
  const guard = cluster.get(key);
  if (guard === undefined || (guard as Body<{ data: { state: string } }>).data.state !== 'armed') return;
  edit(
    cluster,
    key,
    (object) => (object['data'] = { ...(object['data'] as object), state: 'fired', reason: 'a pod crashed' }),
  );
  edit(cluster, 'TrafficSplit/web', (object) =>
    setShares((object as Body<{ spec: { backends: Weighted[] } }>).spec.backends),
  );
  edit(cluster, 'HTTPRoute/web-sluice', (object) => {
    const [rule] = (object as Body<{ spec: { rules: { backendRefs: Weighted[] }[] } }>).spec.rules;
    setShares(rule?.backendRefs ?? []);
  });
}

/** The stable comes first in every list. */
function setShares(backends: Weighted[]): void {
  for (const [index, backend] of backends.entries()) backend.weight = index === 0 ? 10_000 : 0;
}

/** Fields that the manifests name: template, selector; neither pause nor size. */
export function applyOld(cluster: Cluster, plan: Plan): void {
  edit(cluster, 'Deployment/web', (object) => {
    (object as Body<{ spec: { template: unknown } }>).spec.template = structuredClone(
      plan.bindings[0]?.workload.template,
    );
  });
  edit(cluster, 'Service/web', (object) => {
    const { spec } = object as Body<{ spec: { selector: object } }>;
    spec.selector = { app: 'web' };
  });
}

export function setFirstWeight(list: string): Parameters<Cluster['update']>[2] {
  return (object) => {
    const backends = (object as Body<{ spec: Record<string, { weight: number }[]> }>).spec[list] ?? [];
    for (const backend of backends) backend.weight = 5_000;
  };
}

export function podOf(cluster: Cluster, hash: string | undefined, random: () => number): string | undefined {
  const pods = cluster
    .ofKind('Pod')
    .filter((pod) => hash === undefined || pod.metadata.labels?.['pod-template-hash'] === hash);
  return pods.length === 0 ? undefined : `Pod/${pick(pods, random).metadata.name}`;
}

/** The orchestrator dies at its so many-th write or checkpoint, just before it is on its way or just after, and comes back. */
export interface Kill {
  at: number;
  when: 'before' | 'after';
}

/** How long a process takes to come back. */
const RESTART_MS = 700;

export function killOnce(orchestrator: Orchestrator, clock: SimulatedClock, { at, when }: Kill): void {
  let left = at;
  orchestrator.killAt = ({ effect }) => {
    if ((effect !== 'send' && effect !== 'store') || --left > 0) return 'goesOn';
    orchestrator.killAt = () => 'goesOn';
    clock.after(RESTART_MS, () => orchestrator.start());
    return when;
  };
}
