/** One want against one record: nothing to do, a write, a wait, or a fault; and whether somebody else changed it. Pure. */

import type { Change, Json, ObjectRecord } from '../../protocol/records.ts';
import { isSameJson } from '../plan/merge-patch.ts';
import { ROLLOUT, rolloutLabel } from '../plan/marks.ts';
import type { Drift, Entry, Fault, Learned, Plan, Sight, Waiting, Want, World, Write } from './model.ts';
import { keyOf } from './model.ts';

export interface Comparison {
  want: Want;
  /** Of the stage before. */
  before: () => Want | undefined;
  /** The want has held in this stage. */
  hasHeld: boolean;
  entry: Entry;
  plan: Plan;
  world: World;
  learned: Learned;
}

export interface Compared {
  write?: Write;
  waiting?: Waiting;
  drift?: Drift;
  fault?: Fault;
  /** Of an object that the rollout made. */
  uid?: { key: string; uid: string };
  unrestored?: string;
}

export function compare(comparison: Comparison): Compared {
  const { want, world } = comparison;
  const { kind, name } = want;
  const sight: Sight = world.see(kind, name);
  const more = want.giveUp === undefined ? {} : { unrestored: want.giveUp };
  const place = want.where === undefined ? undefined : world.see(want.where.kind, want.where.name);
  if (place === 'absent' && sight !== 'unknown')
    return sight === 'absent' ? more : { ...more, ...compareUids(comparison, sight) };
  if (place === 'unknown')
    return { ...more, waiting: { reason: `${want.where?.kind} ${want.where?.name} is not seen live` } };
  if (sight === 'unknown') return { ...more, waiting: { reason: `${kind} ${name} is not seen live` } };
  if (sight === 'absent') return { ...more, ...compareAbsent(comparison) };
  return { ...more, ...comparePresent(comparison, sight) };
}

function compareAbsent({ want, entry, learned, hasHeld }: Comparison): Compared {
  const { kind, name, state, object, withheld } = want;
  if (state !== 'present') return {};
  if (object === undefined) return { fault: { reason: `${kind} ${name} was deleted`, object: { kind, name } } };
  const wasThere = hasHeld || learned.uids[keyOf(entry)] !== undefined;
  const drift = wasThere ? { drift: { kind, name, what: 'was deleted', by: '' } } : {};
  if (withheld !== undefined) return { ...drift, waiting: { reason: withheld } };
  return { ...drift, write: { do: 'create', kind, name, object } };
}

function comparePresent(comparison: Comparison, record: ObjectRecord): Compared {
  const { want, entry, plan } = comparison;
  const { kind, name } = want;
  const foreign = whoseElse(entry, record, plan);
  if (foreign !== undefined) {
    const isWanted = want.state === 'present' && entry.role !== 'caused';
    return isWanted
      ? { fault: { reason: foreign, object: { kind, name } } }
      : { unrestored: `${foreign}; it is left alone` };
  }
  const uid = compareUids(comparison, record);
  if (want.state === 'absent') return { ...uid, ...compareUnwanted(want, record) };
  if (record.deleting) return { ...uid, waiting: { reason: `${kind} ${name} is being deleted` } };
  return { ...uid, ...compareFields(comparison, record) };
}

function compareUids({ entry }: Comparison, record: ObjectRecord): Pick<Compared, 'uid'> {
  return entry.role === 'made' ? { uid: { key: keyOf(entry), uid: record.uid } } : {};
}

/** Why the object is not the one that the plan speaks of; undefined: it is. */
function whoseElse(entry: Entry, record: ObjectRecord, plan: Plan): string | undefined {
  const { kind, name, role, before } = entry;
  if (role === 'edited' && before !== undefined && before.uid !== '' && before.uid !== record.uid) {
    return `${kind} ${name} was deleted and made anew by somebody else`;
  }
  const mark = record.fields[`label:${ROLLOUT}`];
  if (role === 'made' && typeof mark === 'string' && mark !== rolloutLabel(plan.rollout)) {
    return `${kind} ${name} belongs to rollout ${mark}`;
  }
  return undefined;
}

function compareUnwanted({ kind, name }: Want, record: ObjectRecord): Compared {
  if (record.deleting) return { waiting: { reason: `${kind} ${name} is being deleted` } };
  return { write: { do: 'delete', kind, name, uid: record.uid } };
}

function compareFields({ want, before, hasHeld }: Comparison, record: ObjectRecord): Compared {
  const { kind, name, manifest, withheld } = want;
  const broken = Object.entries(want.must ?? {}).find(([field, value]) => !isSame(record, field, value));
  if (broken !== undefined) return { fault: foreignEdit(want, broken[0], record) };
  const changes = changesOf(want, record);
  if (changes.length === 0) return {};
  const foreign = hasHeld ? changes : changes.filter((change) => isForeign(change, before()));
  if (manifest !== undefined && foreign.some(({ field }) => field === 'template')) {
    return { fault: foreignEdit(want, 'template', record) };
  }
  const drift = driftOf(want, foreign, record);
  if (withheld !== undefined) return { ...drift, waiting: { reason: withheld } };
  const { uid, resourceVersion } = record;
  if (manifest !== undefined)
    return { ...drift, write: { do: 'apply', kind, name, uid, resourceVersion, object: manifest, changes } };
  return { ...drift, write: { do: 'patch', kind, name, uid, changes } };
}

function changesOf({ fields, values }: Want, record: ObjectRecord): Change[] {
  return Object.entries(fields)
    .filter(([field, to]) => !isSame(record, field, to))
    .map(([field, to]) => {
      const value = values?.[field];
      return { field, from: record.fields[field] ?? null, to, ...(value === undefined ? {} : { value }) };
    });
}

function isSame(record: ObjectRecord, field: string, value: Json): boolean {
  return isSameJson(record.fields[field] ?? null, value);
}

/** What the stage before wanted is progress; a field that it did not speak of may have any value until it has held. */
function isForeign({ field, from }: Change, before: Want | undefined): boolean {
  const was = before?.fields[field] ?? before?.must?.[field];
  return was !== undefined && !isSameJson(was, from);
}

function driftOf({ kind, name }: Want, [changed]: Change[], record: ObjectRecord): Pick<Compared, 'drift'> {
  if (changed === undefined) return {};
  const what = `${changed.field} was changed to ${JSON.stringify(changed.from)}`;
  return { drift: { kind, name, what, by: record.lastManager } };
}

function foreignEdit({ kind, name }: Want, field: string, record: ObjectRecord): Fault {
  const by = record.lastManager === '' ? 'somebody' : record.lastManager;
  return { reason: `the ${field} of ${kind} ${name} was changed by ${by} during the run`, object: { kind, name } };
}
