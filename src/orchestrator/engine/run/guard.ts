/** The agent's own guard over a canary with traffic: put on its split, taken off, and what to make of its having fired. */

import type { OperationResult, ResultCode } from '../../../protocol/operation.ts';
import { disarmSpec, firedGuard, floorOf, guardSpec } from '../../plan/guard.ts';
import type { CanaryState } from './canary-state.ts';
import { OperationFault, RunFault } from './fault.ts';

/** The agent refuses at once; its snapshot, which says why, comes a moment later. */
const REASON_MS = 5_000;
/** There is no guard any more where there is no split, and none was where the agent knows none. */
const GONE: ReadonlySet<ResultCode> = new Set(['NOT_FOUND', 'UNSUPPORTED']);

/** Before a weight above 0: the guard as it must be now. @throws RunFault where it has fired, or cannot be armed. */
export async function keepGuard(state: CanaryState): Promise<void> {
  const { plan, expected } = state;
  if (expected.guardFloor !== floorOf(plan.guard.minReady, expected.canaryReplicas)) await armGuard(state);
}

/** Also again, where the split was made anew. */
export async function armGuard(state: CanaryState): Promise<void> {
  const { run, plan, expected } = state;
  if (state.cannotGuard) return;
  const what = 'arm the guard';
  const spec = guardSpec(plan, expected.canaryReplicas);
  const result = await run.attempt(what, spec);
  if (result.code === 'UNSUPPORTED') {
    state.cannotGuard = true;
    delete expected.guardFloor;
    await run.say(
      'warning',
      `the agent of ${run.identity.account} knows no guard: nobody watches the canary while the orchestrator is away. Upgrade the agent`,
    );
    return;
  }
  if (result.state !== 'succeeded') throw await faultOf(state, what, result);
  expected.guardFloor = spec.minReady;
}

/** From here on the canary may go. @throws RunFault where the guard was faster. */
export async function disarmGuard(state: CanaryState): Promise<void> {
  const { run, plan, expected } = state;
  if (expected.guardFloor === undefined) return;
  const what = 'take the guard off';
  const result = await run.attempt(what, disarmSpec(plan));
  if (result.state !== 'succeeded' && !GONE.has(result.code)) throw await faultOf(state, what, result);
  delete expected.guardFloor;
}

/** On the way back, once the weights are: what the guard may do has been done. */
export async function dropGuard(state: CanaryState): Promise<void> {
  const { run, plan, expected } = state;
  if (expected.guardFloor === undefined) return;
  delete expected.guardFloor;
  const result = await run.attempt('take the guard off', disarmSpec(plan));
  if (result.state === 'succeeded' || GONE.has(result.code)) return;
  await run.say('warning', `the guard stays on TrafficSplit ${plan.names.split}: ${result.message}`);
}

/** An earlier run's, on the split that this one takes over: it would refuse the weights of this one. */
export async function dropOldGuard(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  if (!plan.hasOldGuard) return;
  const what = 'take off the guard of an earlier run';
  run.afterGuard = true;
  const result = await run.attempt(what, disarmSpec(plan));
  run.afterGuard = false;
  if (result.state !== 'succeeded' && !GONE.has(result.code)) throw new OperationFault(what, result);
}

/** What is wrong where an operation failed: in the guard's words, if it is the guard that refused. */
export async function faultOf({ run }: CanaryState, what: string, result: OperationResult): Promise<RunFault> {
  if (result.code !== 'SUPERSEDED') return new OperationFault(what, result);
  const seen = await run.wait('why the guard fired', { met: firedGuard, timer: run.timer(REASON_MS) });
  return seen.kind === 'met' ? new RunFault(seen.value) : new OperationFault(what, result);
}
