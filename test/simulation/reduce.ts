/** Objects of the model as the agent's records. */

import type { Fields, Json, KindName, ObjectRecord } from '../../src/protocol/records.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { type Body } from './cluster.ts';
import { memoDigest } from './digest.ts';
import type { PodStatus } from './node-controllers.ts';

interface Parts {
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
  ready?: string[];
}

export function reduce(object: KubeObject): ObjectRecord {
  const { metadata } = object;
  return {
    // The model makes no object of another kind.
    kind: object.kind as KindName,
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    generation: metadata.generation ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    lastManager: typeof metadata['manager'] === 'string' ? metadata['manager'] : '',
    fields: { ...marksOf(object), ...fieldsOf(object) },
    facts: factsOf(object),
  } as ObjectRecord;
}

function marksOf({ kind, metadata: { labels = {}, annotations = {} } }: KubeObject): Fields {
  const isShown = (key: string): boolean => kind === 'ReplicaSet' || key.startsWith('sluice.dev/');
  return Object.fromEntries([
    ...Object.entries(labels)
      .filter(([key]) => isShown(key))
      .map(([key, value]) => [`label:${key}`, value] as const),
    ...Object.entries(annotations)
      .filter(([key]) => isShown(key))
      .map(([key, value]) => [`annotation:${key}`, value] as const),
  ]);
}

function fieldsOf(object: KubeObject): Fields {
  const { spec, data } = object as Body<Parts>;
  switch (object.kind) {
    case 'Deployment':
    case 'ReplicaSet': {
      const fields: Record<string, Json> = {
        replicas: spec['replicas'] as number,
        template: memoDigest(spec['template']),
      };
      return spec['paused'] === true ? { ...fields, paused: true } : fields;
    }
    case 'Service':
      return { selector: (spec['selector'] ?? {}) as Json };
    case 'TrafficSplit':
      return { weights: pairs(spec['backends'] as { service: string; weight: number }[]) };
    case 'ServiceProfile':
      return { weights: pairs(spec['dstOverrides'] as { service: string; weight: number }[]) };
    case 'HTTPRoute': {
      const rules = spec['rules'] as { backendRefs: { name: string; weight: number }[] }[];
      const refs = rules.flatMap(({ backendRefs }, index) =>
        backendRefs.map(({ name, weight }) => [`${index}/${name}`, weight] as const),
      );
      return { weights: Object.fromEntries(refs) };
    }
    case 'ConfigMap':
      return { ...data };
    default:
      return {};
  }
}

function pairs(backends: { service: string; weight: number }[]): Json {
  return Object.fromEntries(backends.map(({ service, weight }) => [service, weight]));
}

function factsOf(object: KubeObject): unknown {
  const { spec, status = {}, ready = [] } = object as Body<Parts>;
  const { metadata } = object;
  const ownerUid = metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid ?? '';
  const labelled = (template: unknown): string =>
    (template as { metadata?: { labels?: Record<string, string> } } | undefined)?.metadata?.labels?.[
      'pod-template-hash'
    ] ?? '';
  switch (object.kind) {
    case 'Deployment': {
      const isCurrent = Number(status['observedGeneration'] ?? 0) >= (metadata.generation ?? 0);
      return {
        observedGeneration: Number(status['observedGeneration'] ?? 0),
        replicas: Number(status['replicas'] ?? 0),
        updated: isCurrent ? Number(status['updatedReplicas'] ?? 0) : 0,
        available: Number(status['availableReplicas'] ?? 0),
      };
    }
    case 'ReplicaSet':
      return {
        hash: labelled(spec['template']),
        ownerUid,
        replicas: Number(status['replicas'] ?? 0),
        available: Number(status['availableReplicas'] ?? 0),
        createdAt: metadata.creationTimestamp ?? '',
        failure: '',
      };
    case 'Pod': {
      const own = (object as Body<{ status: PodStatus }>).status;
      return {
        ...own,
        ready: own.ready && metadata.deletionTimestamp === undefined,
        hash: metadata.labels?.['pod-template-hash'] ?? '',
        ownerUid,
        message: '',
      };
    }
    case 'EndpointSlice':
      return { service: metadata.name, ready, notReady: [] };
    case 'HTTPRoute':
      return { accepted: status['accepted'] === true, resolved: status['accepted'] === true, observedGeneration: 0 };
    case 'ConfigMap':
      return { reason: (object as Body<Parts>).data?.['reason'] ?? '' };
    default:
      return {};
  }
}
