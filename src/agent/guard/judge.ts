/** What a guard does at what it sees: keep, fire, hold, or wait until it may fire. Pure. */

import type { PodRecord } from '../../protocol/snapshot.ts';
import type { GuardOrder } from '../health/reduce-guard.ts';

/** What is seen at one moment, cut down to what a guard judges by. */
export interface GuardFacts {
  /** What the holder gives the canary: its weight, or its pods. 0: no traffic is in danger. Undefined: not known. */
  canaryWeight: number | undefined;
  /** Why pods and endpoints are not followed live, in words; empty: they are. */
  blind: string;
  /** Pods of the canary's revision. */
  pods: GuardedPod[];
  /** Ready endpoints of the canary, and those of the stable. */
  canaryReady: number;
  stableReady: number;
  /** Since the last word of the orchestrator, or since the agent's start. */
  silentMs: number;
}

export interface GuardedPod extends Pick<
  PodRecord,
  'name' | 'deleting' | 'failing' | 'reason' | 'message' | 'restarts'
> {
  /** How often it had been restarted when the guard was armed. */
  restartsBefore: number;
}

/** `wait`: there is a reason to fire, and it may not yet. `hold`: the orchestrator is lost, and the weights are to stay. */
export type GuardVerdict = { kind: 'keep' } | { kind: 'fire' | 'hold' | 'wait'; reason: string };

export function judge(
  order: Pick<GuardOrder, 'minReady' | 'lostContact' | 'stableService'>,
  facts: GuardFacts,
): GuardVerdict {
  if (facts.canaryWeight === 0) return { kind: 'keep' };
  const { lostContact } = order;
  const isLost = lostContact !== undefined && facts.silentMs >= lostContact.afterMs;
  const lost = isLost ? `no word from the orchestrator for ${showDuration(lostContact.afterMs)}` : undefined;
  // An old picture proves nothing about the canary: what it showed while it was new has been judged then.
  const broken = facts.blind === '' ? (crash(facts) ?? belowFloor(order, facts)) : undefined;
  const reason = broken ?? (lostContact?.do === 'rollback' ? lost : undefined);
  if (reason !== undefined) {
    if (facts.blind !== '') return { kind: 'wait', reason: `${reason}; waits to see the stable: ${facts.blind}` };
    if (facts.stableReady === 0) {
      return {
        kind: 'wait',
        reason: `${reason}; waits for a ready endpoint of the stable (${order.stableService} has none)`,
      };
    }
    return { kind: 'fire', reason };
  }
  return lost === undefined ? { kind: 'keep' } : { kind: 'hold', reason: `${lost}; the weights stay as they are` };
}

/** A container that has ended, loops or cannot start; or that has been started anew since, however well it is now. */
function crash({ pods }: GuardFacts): string | undefined {
  const living = pods.filter((pod) => !pod.deleting);
  const failing = living.find((pod) => pod.failing);
  if (failing)
    return `canary pod ${failing.name} is ${failing.reason || 'failing'}${failing.message && `: ${failing.message}`}`;
  const restarted = living.find((pod) => pod.restarts > pod.restartsBefore);
  if (!restarted) return undefined;
  return `canary pod ${restarted.name} was restarted${restarted.message && ` (${restarted.message})`}`;
}

function belowFloor({ minReady }: Pick<GuardOrder, 'minReady'>, { canaryReady }: GuardFacts): string | undefined {
  if (canaryReady >= minReady) return undefined;
  return `ready canary endpoints: ${canaryReady}, fewer than ${minReady}`;
}

/** `600000` -> `10 min`; whole seconds below two minutes. */
export function showDuration(ms: number): string {
  return ms >= 120_000 ? `${Number((ms / 60_000).toFixed(1))} min` : `${Number((ms / 1000).toFixed(1))} s`;
}
