/** What the agent does with a write. Its orders are the real ones. */

import { orderSteps } from '../../src/agent/kinds/orders.ts';
import type { Step } from '../../src/agent/kinds/field.ts';
import type { Write } from '../../src/orchestrator/rollout/model.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { codeOf, messageOf } from '../../src/shared/errors.ts';
import { Refused, type Cluster } from './cluster.ts';

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
    case 'patch': {
      const steps = stepsOf(cluster, key, write);
      cluster.update(key, ME, (object) => steps.forEach((step) => play(object, step)));
      return;
    }
    case 'apply': {
      const { metadata, spec } = write.object as KubeObject & { spec: object };
      const now = cluster.get(key);
      if (now === undefined || now.metadata.uid !== write.uid) throw new Refused('NOT_FOUND', `${key} not found`);
      if (now.metadata.resourceVersion !== write.resourceVersion)
        throw new Refused('CONFLICT', `${key} has another version`);
      cluster.update(key, ME, (object) => {
        object.metadata.labels = { ...object.metadata.labels, ...metadata.labels };
        object['spec'] = { ...(object['spec'] as object), ...structuredClone(spec) };
      });
    }
  }
}

function stepsOf(cluster: Cluster, key: string, { uid, changes }: Extract<Write, { do: 'patch' }>): Step[] {
  const object = cluster.get(key);
  if (object === undefined) throw new Refused('NOT_FOUND', `${key} not found`);
  try {
    return orderSteps(object, uid, changes);
  } catch (error) {
    throw new Refused(codeOf(error) === 'INVALID' ? 'INVALID' : 'PRECONDITION', messageOf(error));
  }
}

/** The object is the one that the steps were made from, so their tests hold. */
function play(object: object, { op, path, value }: Step): void {
  const keys = path
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  let place = object as Record<string, unknown>;
  for (const key of keys) place = place[key] as Record<string, unknown>;
  if (op === 'remove') delete place[last];
  else if (op !== 'test') place[last] = structuredClone(value);
}
