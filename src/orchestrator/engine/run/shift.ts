/** Moving traffic: one write for each object that holds weights, and reading back what the mesh made of it. */

import type { PatchSpec } from '../../../protocol/operation.ts';
import { readBack } from '../../plan/assess.ts';
import { firedGuard } from '../../plan/guard.ts';
import { holds, weightObjects } from '../../plan/route.ts';
import { sharesOf, showPercent, type Shares } from '../../plan/weights.ts';
import type { KubeObject } from '../../../protocol/kube-object.ts';
import type { CanaryState } from './canary-state.ts';
import { RunFault } from './fault.ts';
import { armGuard, faultOf } from './guard.ts';

/** linkerd-smi takes 13 ms; 22 s were seen when 60 splits changed at once. */
const READ_BACK_MS = 30_000;
/** Between tries on a way that cannot be left. */
const AGAIN_MS = 10_000;

/** Writes a share and waits until everything that holds weights says so. @throws RunFault when the mesh does not follow. */
export async function shift(state: CanaryState, percent: number): Promise<void> {
  const { run, plan } = state;
  const shares = sharesOf(percent);
  state.expected.shares = shares;
  await writeWeights(state, shares);
  await run.say('rollout.weight', `${showPercent(percent)} of ${plan.names.root} goes to the canary`, {
    weight: percent,
  });
  await confirm(state, shares);
}

/** All objects at once: neither waits for the other, and one that somebody deleted is made anew. */
async function writeWeights(state: CanaryState, shares: Shares): Promise<void> {
  const { names } = state.plan;
  const results = await state.run.attemptAll('shift', weightObjects(names, shares).map(weightPatch));
  const failed = results.find(({ state: end, code }) => end !== 'succeeded' && code !== 'NOT_FOUND');
  if (failed !== undefined) throw await faultOf(state, `writing weights of ${names.split}`, failed);
  if (results.some(({ code }) => code === 'NOT_FOUND')) await applyWeights(state, shares);
}

/** Made whole: for the first write, and where somebody deleted an object. */
export async function applyWeights(state: CanaryState, shares: Shares): Promise<void> {
  const { run, plan, expected } = state;
  const what = 'apply split';
  const result = await run.attempt(what, { kind: 'apply', objects: weightObjects(plan.names, shares), force: true });
  if (result.state !== 'succeeded') throw await faultOf(state, what, result);
  // A split that was made anew has lost it.
  if (expected.guardFloor !== undefined && shares.canary > 0) await armGuard(state);
}

/** A merge patch replaces the whole list, and is what the bare API costs: 1.6 ms. */
function weightPatch({ apiVersion, kind, metadata, ...content }: KubeObject): PatchSpec {
  const { name, namespace } = metadata;
  const object = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
  return { kind: 'patch', object, type: 'merge', body: { spec: content['spec'] } };
}

/** How a read-back ended: as asked, or with the guard's word that it was faster. */
interface Confirmed {
  fired?: string;
}

/** Waits until split, routes and ServiceProfile say these shares. */
async function confirm(state: CanaryState, shares: Shares): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const isGuarded = state.expected.guardFloor !== undefined && shares.canary > 0;
  const end = await run.wait<Confirmed>('read back', {
    timer: run.timer(READ_BACK_MS),
    met: (snapshot) => {
      const fired = isGuarded ? firedGuard(snapshot) : undefined;
      if (fired !== undefined) return { fired };
      if (isGuarded && snapshot.split?.guard === undefined) return undefined;
      if (snapshot.split === undefined || !holds(names, shares, snapshot.split.weights)) return undefined;
      const back = readBack(snapshot, names, shares);
      return (back.profile || !state.profileFollows) && (back.routes || names.companions.length === 0) ? {} : undefined;
    },
  });
  if (end.kind !== 'met') throw new RunFault(notFollowed(state));
  if (end.value.fired !== undefined) throw new RunFault(end.value.fired);
}

function notFollowed({ plan, profileFollows }: CanaryState): string {
  const { names } = plan;
  const followers = [
    ...(profileFollows ? [`ServiceProfile ${names.profile}`] : []),
    ...names.companions.map(({ name }) => `HTTPRoute ${name}`),
  ];
  return `the mesh did not take the weights of TrafficSplit ${names.split} within ${READ_BACK_MS / 1000} s (${followers.join(', ')}): see linkerd-smi and the policy controller`;
}

/** A split or route that somebody edited or deleted is put back, and said. */
export async function putBack(state: CanaryState, what: string): Promise<void> {
  const { shares } = state.expected;
  if (shares === undefined) return;
  await state.run.say('drift', `${what}: put back`);
  await applyWeights(state, shares);
  await confirm(state, shares);
}

/** For ways that cannot be left: writes until it is written. */
export async function insistWeights(state: CanaryState, percent: number): Promise<void> {
  const shares = sharesOf(percent);
  state.expected.shares = shares;
  await insist(state, () => writeWeights(state, shares));
}

/** For ways that cannot be left: waits, and writes again, until the mesh says these shares. */
export async function insistConfirmed(state: CanaryState, percent: number): Promise<void> {
  const shares = sharesOf(percent);
  let isFirst = true;
  await insist(state, async () => {
    if (!isFirst) await applyWeights(state, shares);
    isFirst = false;
    await confirm(state, shares);
  });
}

async function insist({ run }: CanaryState, act: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof RunFault)) throw error;
      await run.say('warning', `${error.message}; trying on`, { state: 'stalled', reason: error.message });
      await run.drain(AGAIN_MS);
      await run.say('rollout.phase', 'tries again', { state: 'running', reason: '' });
    }
  }
}
