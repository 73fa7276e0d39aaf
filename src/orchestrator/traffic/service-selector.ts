/** Which version a Service shows: its selector narrowed to one revision, and given back. Composed by the other drivers. */

import type { Fields } from '../../protocol/records.ts';
import type { Exposure, Want } from '../rollout/model.ts';
import { RESTORE, TEMPLATE_HASH, WITHDRAWN } from '../plan/marks.ts';

export interface Exposed {
  service: string;
  /** As its owner wrote it. */
  selector: Record<string, string>;
  rollout: string;
  stableHash: string;
  canaryHash: string;
}

/** The first narrowing also writes down what to restore. */
export function exposureFields(
  { selector, rollout, stableHash, canaryHash }: Exposed,
  to: Exclude<Exposure, 'asIs'>,
): Fields {
  if (to === 'open') return { selector, [`annotation:${RESTORE}`]: null, [`annotation:${WITHDRAWN}`]: null };
  const hash = to === 'stable' ? stableHash : canaryHash;
  return {
    selector: { ...selector, [TEMPLATE_HASH]: hash },
    [`annotation:${RESTORE}`]: JSON.stringify({ rollout, selector }),
  };
}

/** An edited Service is never made; one that is gone is a fault. */
export function exposureWants(exposed: Exposed, to: Exposure): Want[] {
  if (to === 'asIs') return [];
  return [{ kind: 'Service', name: exposed.service, state: 'present', fields: exposureFields(exposed, to) }];
}
