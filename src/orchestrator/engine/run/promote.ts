/** Promotion: the canary becomes the stable by adoption; step 10 of the design. */

import { isSameTemplate, adoptionPatch, twins } from '../../plan/canary-set.ts';
import { sendsOnlyTo } from '../../plan/assess.ts';
import { writersSince } from '../../plan/writers.ts';
import { asDeployment, asReplicaSet, type Deployment, type ReplicaSet } from '../../plan/workload.ts';
import type { KubeObject, ObjectRef } from '../../../protocol/kube-object.ts';
import type { Snapshot } from '../../../protocol/snapshot.ts';
import type { CanaryState } from './canary-state.ts';
import { removeRouting } from './clean-up.ts';
import { RunFault } from './fault.ts';
import { disarmGuard } from './guard.ts';
import { resume } from './hold.ts';
import { narrowRoot } from './prepare.ts';
import { insistConfirmed, insistWeights } from './shift.ts';
import { setWeight } from './steps.ts';
import { watchfully } from './watchful.ts';

export async function promote(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const message = 'promotion: everything to the canary, then the Deployment adopts it';
  await run.say('rollout.phase', message, { phase: 'promote' }, { step: 'promotion' });
  await setWeight(state, { weight: 100 });
  await checkTemplate(state);
  await drainWatchfully(state);
  await narrowRoot(state, 'canary');
  await watchfully(state, 'root on canary', { met: (snapshot) => onCanary(snapshot, state, plan.names.root) });
  await drainWatchfully(state);

  await disarmGuard(state);
  // From here the way is forward: the canary's pods are the ones that serve.
  run.canAbort = false;
  await adopt(state);
  await moveStable(state);
  await insistWeights(state, 0);
  await insistConfirmed(state, 0);
  await run.drain(run.drainMs);
  await removeRouting(state);
}

/** The drain of a canary that serves: if it breaks now, the stable is still there. */
async function drainWatchfully(state: CanaryState): Promise<void> {
  await watchfully(state, 'drain', { limitMs: state.run.drainMs });
}

function onCanary(snapshot: Snapshot, { plan, expected }: CanaryState, service: string): true | undefined {
  return sendsOnlyTo(snapshot, service, plan.canaryHash, expected.canaryReplicas) ? true : undefined;
}

/** The file's Deployment at its size of now, still held. */
function askedNow({ plan, expected }: CanaryState): Deployment {
  return { ...plan.asked, spec: { ...plan.asked.spec, replicas: expected.canaryReplicas, paused: true } };
}

/** What would be promoted must be what was tested. @throws RunFault that names who changed it. */
async function checkTemplate(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const name = plan.asked.metadata.name;
  const { objects } = await run.call('dry-run once more', {
    kind: 'apply',
    objects: [askedNow(state)],
    dryRun: true,
    force: true,
  });
  const [now] = objects;
  if (now !== undefined && isSameTemplate(asDeployment(now).spec.template, plan.becomes.spec.template)) return;
  const who = now === undefined ? [] : writersSince(now, run.identity.startedMs);
  throw new RunFault(
    `Deployment ${name} was edited during the run${who.length === 0 ? '' : ` by ${who.join(', ')}`}: what would be promoted is not what was tested`,
  );
}

/** Applies the manifest, still paused, and labels the canary so that the Deployment takes it for its new revision. */
async function adopt(state: CanaryState): Promise<void> {
  const { run, plan, expected } = state;
  const { rolloutId } = run.identity;
  const name = plan.asked.metadata.name;
  await run.say('rollout.phase', `Deployment ${name} adopts ${plan.canarySetName}`);
  await run.insist(`apply Deployment ${name}`, { kind: 'apply', objects: [askedNow(state)], force: true });
  await removeTwins(state);
  await run.insist(`label ReplicaSet ${plan.canarySetName}`, {
    kind: 'patch',
    object: setRef(state, plan.canarySetName),
    type: 'merge',
    body: adoptionPatch(plan.becomes, plan.canaryHash, expected.canaryReplicas, rolloutId),
    // The set is the Deployment's from here: an undo would bring a mark on it back onto the Deployment.
    forget: true,
  });
  await run.forward('the Deployment has not adopted the canary', (snapshot) => isAdopted(snapshot, state));
  await resume(state);
  await run.forward('the old pods are not gone yet', (snapshot) => isAlone(snapshot, state));
}

function setRef({ run }: CanaryState, name: string): ObjectRef {
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: run.identity.namespace, name };
}

/** A set with the same template from an earlier time would be taken for the new revision in place of ours. */
async function removeTwins(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { namespace } = run.identity;
  const result = await run.attempt('list ReplicaSets', {
    kind: 'list',
    apiVersion: 'apps/v1',
    objectKind: 'ReplicaSet',
    namespace,
  });
  const items = result.state === 'succeeded' ? (result.value as { items: KubeObject[] }).items : [];
  const sets: ReplicaSet[] = items.map(asReplicaSet);
  for (const twin of twins(sets, plan.becomes.metadata.uid ?? '', plan.becomes.spec.template)) {
    const { name, uid } = twin.metadata;
    const object = { ...setRef(state, name), ...(uid === undefined ? {} : { uid }) };
    await run.insist(`remove ReplicaSet ${name}`, {
      kind: 'delete',
      object,
      propagation: 'background',
      waitGone: true,
    });
  }
}

/** Owned by the Deployment, and no third set came of it. */
function isAdopted({ deployment, replicaSets }: Snapshot, { plan }: CanaryState): true | undefined {
  const set = replicaSets.find(({ name }) => name === plan.canarySetName);
  if (deployment === undefined || set === undefined || set.ownerUid !== deployment.uid) return undefined;
  const others = replicaSets.filter(
    ({ name, hash, desired }) => name !== plan.canarySetName && hash !== plan.stableHash && desired > 0,
  );
  return others.length === 0 ? true : undefined;
}

/** The Deployment is settled on the adopted set, and every old pod has gone. */
function isAlone(snapshot: Snapshot, { plan }: CanaryState): true | undefined {
  const { deployment, pods } = snapshot;
  if (deployment === undefined || deployment.observedGeneration < deployment.generation || deployment.paused)
    return undefined;
  const isSettled = deployment.updated === deployment.desired && deployment.replicas === deployment.desired;
  if (!isSettled || deployment.available < deployment.desired) return undefined;
  return pods.some(({ hash }) => hash === plan.stableHash) ? undefined : true;
}

/** The stable backend picks the new revision; only then may weight go back to it. */
async function moveStable(state: CanaryState): Promise<void> {
  const { run, plan } = state;
  const { names } = plan;
  await run.insist(`move Service ${names.stable}`, {
    kind: 'patch',
    object: { apiVersion: 'v1', kind: 'Service', namespace: names.namespace, name: names.stable },
    type: 'merge',
    body: { spec: { selector: { 'pod-template-hash': plan.canaryHash } } },
  });
  await run.forward(`Service ${names.stable} has no endpoints of the new version yet`, (snapshot) =>
    sendsOnlyTo(snapshot, names.stable, plan.canaryHash, 1) ? true : undefined,
  );
}
