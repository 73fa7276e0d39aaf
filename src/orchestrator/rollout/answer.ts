/** Whether a write left its object as it was meant. Pure. */

import type { ObjectRecord } from '../../protocol/records.ts';
import { isSameJson } from '../plan/merge-patch.ts';
import type { Fault, Write } from './model.ts';

/** What is tracked: others may change it at any moment. */
const TRACKED = new Set(['replicas']);

/** A write that was taken and became something else, by a webhook or a default: doing it again would change nothing. */
export function changedBy(write: Write, record: ObjectRecord): Fault | undefined {
  if (!('changes' in write)) return undefined;
  const other = write.changes.find(
    ({ field, to }) => !TRACKED.has(field) && !isSameJson(record.fields[field] ?? null, to),
  );
  if (other === undefined) return undefined;
  const { kind, name } = write;
  const became = JSON.stringify(record.fields[other.field] ?? null);
  const reason = `${kind} ${name}: ${other.field} was written and became ${became}: an admission webhook or a default changes it`;
  return { reason, object: { kind, name } };
}
