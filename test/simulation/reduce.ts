/** Objects of the model as the agent's records. */

import { fieldsOf } from '../../src/agent/kinds/orders.ts';
import type { KindName, ObjectRecord } from '../../src/protocol/records.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { type Body } from './cluster.ts';
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
    fields: fieldsOf(object),
    facts: factsOf(object),
  } as ObjectRecord;
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
