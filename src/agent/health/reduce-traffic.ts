/** What carries traffic, cut down: EndpointSlices, TrafficSplits, HTTPRoutes, ServiceProfiles. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { ProfileRecord, RouteRecord, SplitRecord, WeightRecord } from '../../protocol/snapshot.ts';
import { weightOf } from '../kinds/quantity.ts';
import { guardOf } from './reduce-guard.ts';

export interface SliceEntry {
  /** The Service it belongs to. */
  service: string;
  ready: string[];
  notReady: string[];
}

interface SliceBody {
  endpoints?: {
    addresses?: string[];
    conditions?: { ready?: boolean; terminating?: boolean };
    targetRef?: { uid?: string };
  }[];
}

export function reduceSlice(object: KubeObject): SliceEntry {
  const entry: SliceEntry = {
    service: object.metadata.labels?.['kubernetes.io/service-name'] ?? '',
    ready: [],
    notReady: [],
  };
  for (const endpoint of (object as SliceBody).endpoints ?? []) {
    const { ready = true, terminating = false } = endpoint.conditions ?? {};
    const name = endpoint.targetRef?.uid ?? endpoint.addresses?.[0] ?? '';
    (ready && !terminating ? entry.ready : entry.notReady).push(name);
  }
  return entry;
}

interface SplitBody {
  spec?: { service?: string; backends?: { service?: string; weight?: unknown }[] };
}

export function reduceSplit(object: KubeObject): SplitRecord {
  const { spec } = object as SplitBody;
  const guard = guardOf(object);
  return {
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    resourceVersion: object.metadata.resourceVersion ?? '',
    service: spec?.service ?? '',
    weights: (spec?.backends ?? []).map(({ service = '', weight }) => ({ backend: service, weight: weightOf(weight) })),
    ...(guard && { guard }),
  };
}

interface RouteBody {
  spec?: { rules?: { backendRefs?: { name?: string; weight?: number }[] }[] };
  status?: { parents?: { conditions?: RouteCondition[] }[] };
}

interface RouteCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

export function reduceRoute(object: KubeObject): RouteRecord {
  const { spec, status } = object as RouteBody;
  const all = (status?.parents ?? []).flatMap((parent) => parent.conditions ?? []);
  const observedGeneration = Math.max(0, ...all.map((each) => each.observedGeneration ?? 0));
  const newest = all.filter((each) => (each.observedGeneration ?? 0) === observedGeneration);
  // Of several parents each has to agree.
  const holds = (type: string): boolean => {
    const said = newest.filter((each) => each.type === type);
    return said.length > 0 && said.every((each) => each.status === 'True');
  };
  const refused = newest.find((each) => each.status === 'False');
  return {
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    resourceVersion: object.metadata.resourceVersion ?? '',
    generation: object.metadata.generation ?? 0,
    weights: (spec?.rules ?? [])
      .flatMap((rule) => rule.backendRefs ?? [])
      .map(({ name = '', weight = 1 }): WeightRecord => ({ backend: name, weight })),
    accepted: holds('Accepted'),
    resolved: holds('ResolvedRefs'),
    observedGeneration,
    reason: refused ? [refused.reason, refused.message].filter(Boolean).join(': ') : '',
  };
}

interface ProfileBody {
  spec?: { dstOverrides?: { authority?: string; weight?: unknown }[] };
}

export function reduceProfile(object: KubeObject): ProfileRecord {
  const overrides = (object as ProfileBody).spec?.dstOverrides ?? [];
  return {
    name: object.metadata.name,
    resourceVersion: object.metadata.resourceVersion ?? '',
    weights: overrides.map(({ authority = '', weight }) => ({
      backend: authority.split('.')[0] ?? '',
      weight: weightOf(weight),
    })),
  };
}
