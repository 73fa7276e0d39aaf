/** What needs no canary: the first deployment of a target, and objects that leave the pods as they are. */

import { brokenPods, describePod } from '../../plan/assess.ts';
import type { Changes, RolloutPlan } from '../../plan/rollout-plan.ts';
import type { Deployment } from '../../plan/workload.ts';
import type { Snapshot } from '../../../protocol/snapshot.ts';
import { undoChanges } from './clean-up.ts';
import { RunFault } from './fault.ts';
import { tellLastLines } from './last-lines.ts';
import type { Run } from './run.ts';

type PlainPlan = Exclude<RolloutPlan, { kind: 'canary' }>;

/**
 * Applies everything in dependency order and waits until the pods are healthy.
 * If it fails, what the run created is removed and what it changed is restored: no orphan is left.
 */
export async function applyAll(run: Run, plan: PlainPlan): Promise<void> {
  await tell(run, plan);
  try {
    await applyInOrder(run, plan.changes);
    if (plan.deployment !== undefined) await healthy(run, plan.deployment, plan.readyTimeoutMs);
  } catch (error) {
    run.canAbort = false;
    const reason = error instanceof Error ? error.message : String(error);
    await run.say('rollback.started', `takes back what it applied: ${reason}`, { phase: 'rollback', reason });
    await undoChanges(run, plan.changes.undo);
    throw error;
  }
}

function tell(run: Run, { kind, changes }: PlainPlan): Promise<void> {
  const names = changes.objects.map((object) => `${object.kind} ${object.metadata.name}`).join(', ');
  if (changes.objects.length === 0)
    return run.say('rollout.phase', 'nothing differs from the cluster', { phase: 'step' });
  const why = {
    first: 'first deployment, so there is nothing to shift',
    unchanged: 'the pods stay as they are',
    rolling: 'there is no traffic to shift, so the Deployment rolls by itself',
  }[kind];
  return run.say('rollout.phase', `applies ${names} (${why})`, { phase: 'step' });
}

/** One operation each, so that a refusal names its object and nothing after it was tried. */
async function applyInOrder(run: Run, { objects }: Changes): Promise<void> {
  for (const object of objects) {
    await run.call(`apply ${object.kind} ${object.metadata.name}`, { kind: 'apply', objects: [object], force: true });
  }
}

async function healthy(run: Run, deployment: Deployment, limitMs: number): Promise<void> {
  const { name } = deployment.metadata;
  run.watch({ deployment: name, services: [], routes: [], profiles: [], jobs: [] });
  const end = await run.wait('healthy', { timer: run.timer(limitMs), met: assess });
  if (end.kind !== 'met') return unhealthy(run, await whyNotReady(run, name, limitMs));
  if (end.value.kind === 'broken') return unhealthy(run, end.value.why);
  await run.say('rollout.ready', `${end.value.ready} of ${end.value.ready} pods are ready`, {
    ready: end.value.ready,
    wanted: end.value.ready,
  });
}

async function unhealthy(run: Run, why: string): Promise<never> {
  await tellLastLines(run);
  throw new RunFault(why);
}

type Health = { kind: 'healthy'; ready: number } | { kind: 'broken'; why: string };

function assess({ deployment, replicaSets, pods }: Snapshot): Health | undefined {
  if (deployment === undefined || deployment.observedGeneration < deployment.generation) return undefined;
  const refused = replicaSets.find(({ failure, desired }) => failure !== '' && desired > 0);
  if (refused !== undefined)
    return { kind: 'broken', why: `ReplicaSet ${refused.name} cannot make its pods: ${refused.failure}` };
  const why = brokenPods(pods, false);
  if (why !== undefined) return { kind: 'broken', why };
  const { desired, updated, available, replicas } = deployment;
  return updated === desired && available === desired && replicas === desired
    ? { kind: 'healthy', ready: desired }
    : undefined;
}

async function whyNotReady(run: Run, name: string, limitMs: number): Promise<string> {
  const late = await run.wait('why not ready', { met: ({ pods }) => pods.find(({ ready }) => !ready) ?? null });
  const pod = late.kind === 'met' ? late.value : null;
  const why = pod === null ? 'its pods did not come up' : describePod(pod);
  return `Deployment ${name} was not ready within ${Math.round(limitMs / 1000)} s: ${why}`;
}
