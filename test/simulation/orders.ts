/** What the agent does with a write: an order holds only over what was seen, and changes nothing else. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Json } from '../../src/protocol/records.ts';
import { isAsSeen } from './preconditions.ts';
import type { Change, Write } from '../../src/orchestrator/rollout/model.ts';
import { type Body, Refused, type Cluster } from './cluster.ts';
import { reduce } from './reduce.ts';

const ME = 'sluice';

/** @throws Refused as the API server or the agent says it. */
export function carryOut(cluster: Cluster, write: Write): void {
  const key = `${write.kind}/${write.name}`;
  switch (write.do) {
    case 'create':
      cluster.create(write.object, ME);
      return;
    case 'delete':
      return cluster.delete(key, ME, write.uid);
    case 'patch':
      test(cluster, key, write.uid, write.changes);
      cluster.update(key, ME, (object) => write.changes.forEach((change) => set(object, change)));
      return;
    case 'apply': {
      test(cluster, key, write.uid, write.changes);
      if (cluster.get(key)?.metadata.resourceVersion !== write.resourceVersion)
        throw new Refused('CONFLICT', `${key} has another version`);
      const { metadata, spec } = write.object as KubeObject & { spec: object };
      cluster.update(key, ME, (object) => {
        object.metadata.labels = { ...object.metadata.labels, ...metadata.labels };
        object['spec'] = { ...(object['spec'] as object), ...structuredClone(spec) };
      });
    }
  }
}

function test(cluster: Cluster, key: string, uid: string, changes: Change[]): void {
  const object = cluster.get(key);
  if (object === undefined) throw new Refused('NOT_FOUND', `${key} not found`);
  if (object.metadata.uid !== uid) throw new Refused('PRECONDITION', `${key} has another uid`);
  const { fields } = reduce(object);
  const other = changes.find((change) => !isAsSeen(change, fields));
  if (other !== undefined) throw new Refused('PRECONDITION', `${other.field} of ${key} is not what was seen`);
}

function set(object: KubeObject, { field, to, value }: Change): void {
  const body = object as Body<{ spec: Record<string, unknown>; data: Record<string, string> }>;
  if (field.startsWith('label:')) object.metadata.labels = put(object.metadata.labels, field.slice(6), to);
  else if (field.startsWith('annotation:'))
    object.metadata.annotations = put(object.metadata.annotations, field.slice(11), to);
  else if (object.kind === 'ConfigMap') body.data = put(body.data, field, to);
  else if (field === 'weights') setWeights(object, to as Record<string, number>);
  else if (to === null) delete body.spec[field];
  else body.spec[field] = structuredClone(value ?? to);
}

function put(map: Record<string, string> | undefined, key: string, to: Json): Record<string, string> {
  const { [key]: _old, ...rest } = map ?? {};
  return typeof to === 'string' ? { ...rest, [key]: to } : rest;
}

function setWeights(object: KubeObject, to: Record<string, number>): void {
  const { spec } = object as Body<{ spec: Record<string, unknown> }>;
  if (object.kind === 'TrafficSplit') {
    spec['backends'] = Object.entries(to).map(([service, weight]) => ({ service, weight }));
    return;
  }
  const refs = Object.entries(to).map(([name, weight]) => ({ name: name.slice(name.indexOf('/') + 1), weight }));
  spec['rules'] = [{ backendRefs: refs }];
}
