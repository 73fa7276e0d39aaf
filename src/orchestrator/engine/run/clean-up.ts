/** Takes everything away that a run made, in the order in which nobody misses it. */

import type { ObjectRef } from '../../../protocol/kube-object.ts';
import { widenPatch } from '../../plan/backends.ts';
import { retainedObjects } from '../../plan/retain.ts';
import type { Undo } from '../../plan/rollout-plan.ts';
import { watchCanary, type CanaryState } from './canary-state.ts';
import type { Run } from './run.ts';

/**
 * Root as its owner wrote it, split and routes away, the mesh let go, then the backends that nobody sends to any more.
 * With `retain: true` split and backends stay, all at the stable.
 */
export async function removeRouting(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  // Kept is what has worked: a split that could not be made, or that nobody followed, goes.
  const isKept = plan.retain && (plan.isRetained || state.expected.names !== undefined);
  const rest = isKept ? 'kept for the next run' : 'away';
  await run.say('rollout.phase', `cleans up: Service ${names.root} as it was, split and backends ${rest}`, {
    phase: 'cleanup',
  });
  if (state.rootPicks !== 'all') await widen(state, names.root, plan.rootSelector);
  state.rootPicks = 'all';
  if (isKept) return keepRouting(state);
  if (state.splitMade) await removeSplit(state);
  if (state.backendsMade) await removeBackends(state);
}

/** The pods are the stable's alone by now: its backend picks what the root picks, whoever rolls the Deployment next. */
async function keepRouting(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  delete state.expected.names;
  delete state.expected.shares;
  const objects = retainedObjects(names, plan.root, !plan.hadProfile);
  await run.insist(`keep TrafficSplit ${names.split} and its backends`, { kind: 'apply', objects, force: true });
  await removeCompanions(state);
  if (!names.ownsCanary) await widen(state, names.canary, plan.canarySelector ?? {});
  await removeSuperseded(state);
  state.splitMade = false;
  state.backendsMade = false;
}

async function widen({ run, plan }: CanaryState, service: string, selector: Record<string, string>): Promise<void> {
  await run.insist(`restore Service ${service}`, {
    kind: 'patch',
    object: { apiVersion: 'v1', kind: 'Service', namespace: plan.names.namespace, name: service },
    type: 'merge',
    body: widenPatch(selector),
    forget: true,
  });
}

async function removeSplit(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const { namespace } = names;
  // The split's expectations end here, or its own deletion would be put back.
  delete state.expected.names;
  delete state.expected.shares;
  const split = {
    apiVersion: `split.smi-spec.io/${names.splitVersion}`,
    kind: 'TrafficSplit',
    namespace,
    name: names.split,
  };
  await remove(run, split);
  await removeCompanions(state);
  state.splitMade = false;
  await letGo(state);
}

async function removeCompanions({ run, plan }: CanaryState): Promise<void> {
  const { namespace, companions } = plan.names;
  for (const { name } of companions) {
    await remove(run, { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace, name });
  }
}

async function removeSuperseded({ run, plan }: CanaryState): Promise<void> {
  const { superseded, names } = plan;
  if (superseded === undefined) return;
  await remove(run, { apiVersion: 'v1', kind: 'Service', namespace: names.namespace, name: superseded });
}

/** The adaptor empties its ServiceProfile and leaves the object: one that came of this run goes too. */
async function letGo(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  if (state.profileFollows) {
    const end = await run.wait('mesh lets go', {
      timer: run.timer(30_000),
      met: (snapshot) => {
        const profile = snapshot.profiles.find(({ name }) => name === names.profile);
        return profile === undefined || profile.weights.length === 0 ? true : undefined;
      },
    });
    if (end.kind !== 'met') {
      await run.say(
        'warning',
        `ServiceProfile ${names.profile} still holds weights 30 s after its split went: is linkerd-smi running?`,
      );
    }
  }
  await run.drain(run.drainMs);
  if (state.profileFollows && !plan.hadProfile && names.profile !== undefined) {
    await remove(run, {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      namespace: names.namespace,
      name: names.profile,
    });
  }
}

async function removeBackends(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  const { namespace } = names;
  await remove(run, { apiVersion: 'v1', kind: 'Service', namespace, name: names.stable });
  if (names.ownsCanary) await remove(run, { apiVersion: 'v1', kind: 'Service', namespace, name: names.canary });
  else await widen(state, names.canary, plan.canarySelector ?? {});
  await removeSuperseded(state);
  state.backendsMade = false;
  watchCanary(state);
}

export async function remove(run: Run, object: ObjectRef): Promise<void> {
  const what = `remove ${object.kind} ${object.name}`;
  await run.insist(what, { kind: 'delete', object, propagation: 'background', waitGone: true });
}

/** Objects beside the workload as they were before the run. */
export async function undoChanges(run: Run, undo: Undo[]): Promise<void> {
  for (const entry of undo) {
    const { apiVersion, kind, metadata } = entry.object;
    const { name, namespace } = metadata;
    const object: ObjectRef = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
    if (entry.kind === 'delete') await remove(run, object);
    else {
      const { patch: body } = entry;
      await run.insist(`restore ${kind} ${name}`, { kind: 'patch', object, type: 'merge', body, forget: true });
    }
  }
}
