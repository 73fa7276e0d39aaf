/** An order as a JSON patch: it holds only over what was seen, and changes nothing else. Pure. */

import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Change, Fields, Json, KindName } from '../../protocol/records.ts';
import { templateDigest } from '../../protocol/template-digest.ts';
import { SluiceError } from '../../shared/errors.ts';
import { at, replace, valueAt, type Field, type Step } from './field.ts';
import { markField, marksOf } from './marks.ts';
import { profileWeights, routeWeights, splitWeights } from './weights.ts';

/** A digest stands for it; the value itself is written. */
const template: Field = {
  read: (object) => templateDigest(at(object, ['spec', 'template'])),
  steps: (object, to) => replace(object, ['spec', 'template'], to),
};

/** An unpaused Deployment leaves the field out. */
const paused: Field = {
  read: (object) => (at(object, ['spec', 'paused']) === true ? true : null),
  steps: (object, to) => replace(object, ['spec', 'paused'], to),
};

const FIELDS: Readonly<Partial<Record<KindName, Readonly<Record<string, Field>>>>> = {
  Deployment: { paused, replicas: valueAt('spec', 'replicas'), template },
  ReplicaSet: { replicas: valueAt('spec', 'replicas'), template },
  Service: { selector: valueAt('spec', 'selector') },
  TrafficSplit: { weights: splitWeights },
  HTTPRoute: { weights: routeWeights },
  ServiceProfile: { weights: profileWeights },
  ConfigMap: { state: valueAt('data', 'state'), floors: valueAt('data', 'floors') },
};

/** A ReplicaSet's labels decide who adopts it; of others only Sluice's own are of interest. */
function isShown(kind: string, key: string): boolean {
  return kind === 'ReplicaSet' || key.startsWith('sluice.dev/');
}

/** Everything that an order may change, as a record shows it. */
export function fieldsOf(object: KubeObject): Fields {
  const own = Object.entries(FIELDS[object.kind as KindName] ?? {}).flatMap(([name, field]): [string, Json][] => {
    const value = field.read(object);
    return value === null ? [] : [[name, value]];
  });
  return { ...marksOf(object, (key) => isShown(object.kind, key)), ...Object.fromEntries(own) };
}

/**
 * @param object as the agent has it.
 * @returns steps of a JSON patch, uid included.
 * @throws SluiceError PRECONDITION where the object is not what was seen; INVALID for a field that its kind has not.
 */
export function orderSteps(object: KubeObject, uid: string, changes: readonly Change[]): Step[] {
  const what = `${object.kind} ${object.metadata.name}`;
  if (object.metadata.uid !== uid) {
    throw new SluiceError('PRECONDITION', `${what} is not the one that was seen: it was deleted and made anew.`);
  }
  const steps = changes.map((change) => {
    const field = FIELDS[object.kind as KindName]?.[change.field] ?? markField(change.field);
    if (field === undefined) throw new SluiceError('INVALID', `${what} has no field ${change.field} for an order.`);
    const now = field.read(object);
    if (!isDeepStrictEqual(now, change.from)) {
      const seen = `${JSON.stringify(now)}, not ${JSON.stringify(change.from)}`;
      throw new SluiceError('PRECONDITION', `${change.field} of ${what} is ${seen} as was seen.`);
    }
    const found = field.steps(object, change.value ?? change.to);
    if (found !== undefined) return found;
    throw new SluiceError('INVALID', `${what} has no place for ${change.field} ${JSON.stringify(change.to)}.`);
  });
  return [{ op: 'test', path: '/metadata/uid', value: uid }, ...withMapsOnce(steps.flat())];
}

/** The first entry of a map that is not there makes the map; further ones go into it. */
function withMapsOnce(steps: Step[]): Step[] {
  const made = new Set<string>();
  return steps.flatMap((step): Step[] => {
    const isMap = step.path === '/metadata/labels' || step.path === '/metadata/annotations';
    if (!isMap) return [step];
    if (!made.has(step.path)) {
      if (step.op === 'add') made.add(step.path);
      return [step];
    }
    if (step.op === 'test') return [];
    const entries = Object.entries(step.value as Record<string, string>);
    return entries.map(([key, value]): Step => ({
      op: 'add',
      path: `${step.path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      value,
    }));
  });
}
