/** The guard as it is stored on the object that it holds: read from the annotation, written into it. Pure. */

import * as z from 'zod';
import type { KubeObject } from '../../protocol/kube-object.ts';
import type { GuardSpec } from '../../protocol/operation.ts';
import type { SplitRecord } from '../../protocol/snapshot.ts';

/** Holds the record. The label of the same name holds its state, so that a restarted agent finds it by one list. */
export const GUARD_MARK = 'sluice.dev/guard';

const ref = z.object({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  namespace: z.string().optional(),
  name: z.string().min(1),
  uid: z.string().optional(),
});

const guardRecord = z.object({
  state: z.enum(['armed', 'holding', 'fired']),
  /** Why it fired, holds or waits; empty where there is nothing to say. */
  reason: z.string(),
  /** When the state began, by the agent's clock: RFC 3339. */
  at: z.string(),
  /** The operation that armed it. */
  operation: z.string(),
  /** Fired, and every write has been made: a successor has nothing left to do. */
  finished: z.boolean().optional(),
  /** Restarts that canary pods had when it was armed, by uid; a pod that is not named had none. */
  restarts: z.record(z.string(), z.number()),
  spec: z.object({
    holder: ref,
    writes: z.array(z.object({ object: ref, body: z.unknown() })),
    rootService: z.string(),
    stableService: z.string(),
    canaryService: z.string(),
    canaryHash: z.string().min(1),
    minReady: z.number().int().min(0),
    lostContact: z.object({ afterMs: z.number().positive(), do: z.enum(['rollback', 'hold']) }).optional(),
    rollout: z.string(),
  }),
});

/** What the guard does, without the words of the operation that brought it. */
export type GuardOrder = Omit<GuardSpec, 'kind' | 'disarm'>;

export interface GuardRecord {
  state: 'armed' | 'holding' | 'fired';
  reason: string;
  at: string;
  operation: string;
  finished?: boolean;
  restarts: Record<string, number>;
  spec: GuardOrder;
}

/** The record an object holds; a sentence where it cannot be read; undefined where there is none. */
export function readGuard(object: KubeObject): GuardRecord | string | undefined {
  const stored = object.metadata.annotations?.[GUARD_MARK];
  if (stored === undefined) {
    const isLabelled = object.metadata.labels?.[GUARD_MARK] !== undefined;
    return isLabelled ? `It has the label ${GUARD_MARK} and no annotation of that name.` : undefined;
  }
  try {
    return guardRecord.parse(JSON.parse(stored));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : 'it is no JSON';
    return `The annotation ${GUARD_MARK} cannot be read: ${why.replaceAll('\n', ' ')}`;
  }
}

/** The part of a merge patch that puts the record, or takes it off. */
export function markPatch(record: GuardRecord | undefined): { annotations: object; labels: object } {
  return {
    annotations: { [GUARD_MARK]: record ? JSON.stringify(record) : null },
    labels: { [GUARD_MARK]: record ? record.state : null },
  };
}

/** What of it the orchestrator is told. One that cannot be read guards nothing, and that is said too. */
export function guardOf(object: KubeObject): SplitRecord['guard'] {
  const found = readGuard(object);
  if (found === undefined) return undefined;
  return typeof found === 'string'
    ? { state: 'unreadable', reason: found }
    : { state: found.state, reason: found.reason };
}
