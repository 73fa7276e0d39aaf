/** From hold to a ready canary without traffic: steps 4 to 8 of the design. */

import type { KubeObject } from '../../../protocol/kube-object.ts';
import { isCanaryReady, podsOf, describePod, readBack } from '../../plan/assess.ts';
import { backendService, narrowPatch } from '../../plan/backends.ts';
import { canarySet } from '../../plan/canary-set.ts';
import { sharesOf } from '../../plan/weights.ts';
import { watchCanary, type CanaryState } from './canary-state.ts';
import { RunFault } from './fault.ts';
import { dropOldGuard } from './guard.ts';
import { hold } from './hold.ts';
import { applyWeights } from './shift.ts';
import { watchfully } from './watchful.ts';

/** linkerd-smi answers in milliseconds when it runs; the policy controller as well. */
const FOLLOW_MS = 30_000;

export async function prepare(state: CanaryState): Promise<void> {
  await hold(state);
  await applyOthers(state);
  await makeBackends(state);
  await makeSplit(state);
  await narrowRoot(state, 'stable');
  await raiseCanary(state);
}

/** ConfigMaps and the like, which the new version may need to start. */
async function applyOthers(state: CanaryState): Promise<void> {
  const { objects } = state.plan.others;
  if (objects.length === 0) return;
  state.othersApplied = true;
  await state.run.say(
    'rollout.phase',
    `applies ${objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`,
  );
  await state.run.call('apply the other objects', { kind: 'apply', objects, force: true });
}

async function makeBackends(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const objects: KubeObject[] = [
    backendService(names, 'stable', plan.root, plan.stableHash),
    ...(names.ownsCanary ? [backendService(names, 'canary', plan.root, plan.canaryHash)] : []),
  ];
  await run.say('rollout.phase', `Services ${names.stable} and ${names.canary} pick one version each`, {
    phase: 'backends',
  });
  state.backendsMade = true;
  await run.call('make backends', { kind: 'apply', objects, force: true });
  if (names.ownsCanary) return;
  await run.call(`narrow Service ${names.canary}`, {
    kind: 'patch',
    object: { apiVersion: 'v1', kind: 'Service', namespace: names.namespace, name: names.canary },
    type: 'merge',
    body: narrowPatch(names.rolloutId, plan.canarySelector ?? {}, plan.canaryHash),
  });
}

/** All to stable, before the first canary pod; then learn who follows: the ServiceProfile, the companion routes, or nobody. */
async function makeSplit(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const shares = sharesOf(0);
  const companions = names.companions.map(({ name }) => ` and HTTPRoute ${name}`).join('');
  await run.say('rollout.phase', `TrafficSplit ${names.split}${companions}: all to stable`, {
    phase: 'split',
    weight: 0,
  });
  state.splitMade = true;
  await dropOldGuard(state);
  await applyWeights(state, shares);
  watchCanary(state);
  const followed = await run.wait('split followed', {
    timer: run.timer(FOLLOW_MS),
    met: (snapshot) => {
      const back = readBack(snapshot, names, shares);
      const isDone = (back.profile || names.profile === undefined) && (back.routes || names.companions.length === 0);
      return isDone && snapshot.split !== undefined ? true : undefined;
    },
  });
  if (followed.kind === 'met') state.profileFollows = names.profile !== undefined;
  else await learnWhoFollows(state);
  state.expected.names = names;
  state.expected.shares = shares;
}

/** In time or not: what answered is relied on from here; what did not is told, and routes nobody accepted are removed. */
async function learnWhoFollows(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const back = await run.wait('who follows', { met: (snapshot) => readBack(snapshot, names, sharesOf(0)) });
  const { profile, routes } = back.kind === 'met' ? back.value : { profile: false, routes: false };
  if (!profile && !routes) {
    throw new RunFault(
      `nothing in the cluster follows TrafficSplit ${names.split}: no ServiceProfile ${names.profile ?? ''} came of it, and no HTTPRoute was accepted within ${FOLLOW_MS / 1000} s; is linkerd-smi running?`,
    );
  }
  state.profileFollows = profile;
  if (!profile) await run.say('warning', `no ServiceProfile followed the split: only HTTPRoutes carry the weights`);
  if (routes || names.companions.length === 0) return;
  const way = plan.retain ? '' : '; retain: true in the smi entry lets them follow from the next run on';
  if (!plan.isRetained) {
    await run.say(
      'warning',
      `the companion HTTPRoute was not accepted: clients that are already busy will not follow the split${way}`,
    );
  }
  for (const { name } of names.companions) {
    const object = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace: names.namespace, name };
    await run.call(`remove HTTPRoute ${name}`, { kind: 'delete', object, propagation: 'background', waitGone: true });
  }
  names.companions = [];
  watchCanary(state);
}

/** Clients outside the mesh, and proxies that have not seen the split, reach this version only. */
export async function narrowRoot(state: CanaryState, to: 'stable' | 'canary'): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const hash = to === 'stable' ? plan.stableHash : plan.canaryHash;
  state.rootPicks = to;
  await run.call(`narrow Service ${names.root}`, {
    kind: 'patch',
    object: { apiVersion: 'v1', kind: 'Service', namespace: names.namespace, name: names.root },
    type: 'merge',
    body: narrowPatch(names.rolloutId, plan.rootSelector, hash),
  });
}

async function raiseCanary(state: CanaryState): Promise<void> {
  const { run, plan, expected } = state;
  const wanted = expected.canaryReplicas;
  await run.say('rollout.phase', `canary ${plan.canarySetName} comes up: ${wanted} pod${wanted === 1 ? '' : 's'}`, {
    phase: 'canaryUp',
    canaryHash: plan.canaryHash,
    stableHash: plan.stableHash,
    ready: 0,
    wanted,
  });
  state.canaryMade = true;
  const object = canarySet(plan.becomes, plan.canaryHash, wanted, run.identity.rolloutId);
  await run.call('make canary', { kind: 'apply', objects: [object], force: true });
  await canaryReady(state, plan.readyTimeoutMs);
  await run.say('rollout.ready', `${expected.canaryReplicas} of ${expected.canaryReplicas} canary pods are ready`, {
    ready: expected.canaryReplicas,
    wanted: expected.canaryReplicas,
  });
}

/** A weight above 0 needs all canary endpoints. @throws RunFault with the reason of the first pod that is not ready. */
export async function canaryReady(state: CanaryState, limitMs: number): Promise<void> {
  const end = await watchfully(state, 'canary ready', {
    limitMs,
    met: (snapshot) => (isCanaryReady(snapshot, state.expected) ? true : undefined),
  });
  if (end.kind === 'met') return;
  const late = await state.run.wait('why not ready', {
    met: (snapshot) => podsOf(snapshot, state.plan.canaryHash).find(({ ready }) => !ready) ?? null,
  });
  const pod = late.kind === 'met' ? late.value : null;
  const why = pod === null ? 'its pods did not come up' : describePod(pod);
  throw new RunFault(`the canary was not ready within ${Math.round(limitMs / 1000)} s: ${why}`);
}
