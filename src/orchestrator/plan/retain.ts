/** `retain: true`: the split and its backends between two runs, and how the next run knows them for its own. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { backendService } from './backends.ts';
import { MADE_PROFILE, RETAINED, ROLE } from './marks.ts';
import { isSameJson } from './merge-patch.ts';
import { serviceNamed, type Observed } from './observed.ts';
import type { Changes } from './rollout-plan.ts';
import { splitObject, type RouteNames } from './route.ts';
import { sharesOf } from './weights.ts';
import type { Service } from './workload.ts';

/*
 * Why it exists: a Linkerd proxy that is busy with a Service when the first split of it is made ignores that split, and one
 * that has met a split follows all its weights live. Where HTTPRoute is not served, only a split that stays reaches busy clients.
 */

/** A pod-template hash that no ReplicaSet has: a Service with it picks nobody. */
const NOBODY = 'none';

export interface Retained {
  /** The split on the root, under whatever name; absent if somebody deleted it. */
  split?: KubeObject;
  /** Names of the backend Services that are there. */
  services: string[];
  /** The root's ServiceProfile came of an earlier run. */
  madeProfile: boolean;
}

/** What an earlier run left for the next one; undefined if there is nothing. An object of a run under way is not of it. */
export function retainedOf(
  root: string,
  { splits, services }: Pick<Observed, 'splits' | 'services'>,
): Retained | undefined {
  const split = splits.find(
    (one) => isRetained(one, 'split') && (one['spec'] as { service?: string } | undefined)?.service === root,
  );
  const backends = (['stable', 'canary'] as const).flatMap((role) => {
    const name = `${root}-${role}`;
    return services.some((one) => one.metadata.name === name && isRetained(one, role)) ? [name] : [];
  });
  if (split === undefined && backends.length === 0) return undefined;
  return {
    ...(split === undefined ? {} : { split }),
    services: backends,
    madeProfile: split?.metadata.annotations?.[MADE_PROFILE] !== undefined,
  };
}

function isRetained({ metadata: { labels } }: KubeObject, role: 'split' | 'stable' | 'canary'): boolean {
  return labels?.[RETAINED] === 'true' && labels[ROLE] === role;
}

/**
 * Backends and split as they stay. The stable backend picks what the root picks, without a hash: a Deployment that is rolled by
 * hand between two runs keeps its meshed clients. The canary's picks nobody, at weight 0, which a proxy drops.
 */
export function retainedObjects(names: RouteNames, root: Service, madeProfile: boolean): KubeObject[] {
  const shares = sharesOf(0);
  const split = splitObject(names, shares);
  return [...retainedBackends(names, root), retain(split, madeProfile ? { [MADE_PROFILE]: 'true' } : {})];
}

function retainedBackends(names: RouteNames, root: Service): KubeObject[] {
  const canary = backendService(names, 'canary', root, NOBODY);
  const stable = backendService(names, 'stable', root, NOBODY);
  const everybody = { ...stable, spec: { ...(stable['spec'] as object), selector: root.spec.selector ?? {} } };
  return [retain(everybody), ...(names.ownsCanary ? [retain(canary)] : [])];
}

function retain(object: KubeObject, annotations: Record<string, string> = {}): KubeObject {
  const { metadata } = object;
  const labels = { ...metadata.labels, [RETAINED]: 'true' };
  return {
    ...object,
    metadata: { ...metadata, labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
  };
}

/** A run without a canary may change the root: a retained backend with other ports or another selector goes with it. */
export function followRoot(names: RouteNames, root: Service, observed: Observed): Changes {
  const changes: Changes = { objects: [], undo: [] };
  const retained = retainedOf(names.root, observed);
  for (const object of retainedBackends(names, root)) {
    const live = serviceNamed(observed, object.metadata.name);
    if (live === undefined || retained?.services.includes(object.metadata.name) !== true) continue;
    const { ports, selector } = object['spec'] as Service['spec'];
    if (isSameJson({ ports, selector }, { ports: live.spec.ports, selector: live.spec.selector })) continue;
    const gone = Object.keys(selector ?? {}).filter((key) => live.spec.selector?.[key] === undefined);
    const before = { ...Object.fromEntries(gone.map((key) => [key, null])), ...live.spec.selector };
    changes.objects.push(object);
    changes.undo.push({ kind: 'patch', object, patch: { spec: { ports: live.spec.ports, selector: before } } });
  }
  return changes;
}

/** The canary backend of an earlier run, where this one is told to use another: it goes at the end. */
export function supersededBackend(names: RouteNames, retained: Retained | undefined): string | undefined {
  return retained?.services.find((service) => service !== names.stable && service !== names.canary);
}
