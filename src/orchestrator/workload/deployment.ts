/** A Deployment and the canary's ReplicaSet beside it, as each phase of a rollout wants them. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Fields, Json } from '../../protocol/records.ts';
import { canarySize } from '../plan/canary-set.ts';
import { HELD, rolloutLabel, WITHDRAWN } from '../plan/marks.ts';
import type { Entry, Want, WorkloadPhase, WorkloadPlan, World } from '../rollout/model.ts';
import { podsOf } from '../rollout/world.ts';

/** The Deployment controller takes a set for saturated, and the old ones for done, by this annotation. */
const DESIRED = 'annotation:deployment.kubernetes.io/desired-replicas';
const MARK = `label:${HELD}`;
const FREE: Fields = { paused: null, [MARK]: null, [`annotation:${WITHDRAWN}`]: null };

export function workloadInventory({ name, uid, setName }: WorkloadPlan): Entry[] {
  return [
    { kind: 'Deployment', name, role: 'edited', before: { uid, fields: FREE } },
    { kind: 'ReplicaSet', name: setName, role: 'made' },
  ];
}

/** How large the canary is to be: it follows the Deployment. @returns undefined while that is not seen. */
export function sizeOf(plan: WorkloadPlan, world: World): number | undefined {
  const deployment = world.see('Deployment', plan.name);
  if (typeof deployment === 'string') return undefined;
  const live = deployment.fields['replicas'];
  const { liveReplicas: atStart, askedReplicas: asked, scaledByHpa } = plan;
  return canarySize({ live: typeof live === 'number' ? live : atStart, atStart, asked, scaledByHpa });
}

export interface WorkloadView {
  rollout: string;
  phase: WorkloadPhase;
  /** Of the canary; undefined: not known now. */
  size: number | undefined;
}

export function workloadWants(plan: WorkloadPlan, view: WorkloadView, world: World): Want[] {
  switch (view.phase) {
    case 'asIs':
      return [];
    case 'held':
      return [held(plan, view, plan.oldTemplate), goneSet(plan)];
    case 'emptied':
      return [heldBack(plan, view, world), { ...set(plan), state: 'ifExists', fields: sized(0) }];
    case 'removed':
      return [heldBack(plan, view, world), goneSet(plan)];
    case 'found':
      return [asFound(plan, world), goneSet(plan)];
    case 'canary':
      return [held(plan, view, plan.oldTemplate), canarySet(plan, view.size)];
    case 'manifest':
      return [manifest(plan, view), canarySet(plan, view.size)];
    case 'alone':
      return [held(plan, view, plan.newTemplate), canarySet(plan, view.size), ...twins(plan, world)];
    case 'adopting':
      return [held(plan, view, plan.newTemplate), adoptedSet(plan)];
    case 'released':
      return [letGo(plan, plan.newTemplate), { ...set(plan), state: 'present', fields: {} }];
    case 'settled':
      return [settled(plan, world), { ...adoptedSet(plan), state: 'ifExists' }];
  }
}

function set({ setName }: WorkloadPlan): { kind: 'ReplicaSet'; name: string } {
  return { kind: 'ReplicaSet', name: setName };
}

function goneSet(plan: WorkloadPlan): Want {
  return { ...set(plan), state: 'absent', fields: {} };
}

function deployment({ name }: WorkloadPlan): { kind: 'Deployment'; name: string; state: 'present' } {
  return { kind: 'Deployment', name, state: 'present' };
}

/** Paused and marked: nobody's change of the template rolls out under the run, and one by somebody else is a fault. */
function held(plan: WorkloadPlan, { rollout }: WorkloadView, template: string): Want {
  return { ...deployment(plan), fields: { paused: true, [MARK]: rolloutLabel(rollout) }, must: { template } };
}

/** On the way back: what we shipped gives way to what ran; what somebody else wrote stays. */
function heldBack(plan: WorkloadPlan, { rollout }: WorkloadView, world: World): Want {
  const want: Want = { ...deployment(plan), fields: { paused: true, [MARK]: rolloutLabel(rollout) } };
  return isOurs(plan, templateOf(plan, world)) ? withOldTemplate(plan, want) : want;
}

/** Let go with the template that ran, and with no other: that would roll out what nobody tested. */
function asFound(plan: WorkloadPlan, world: World): Want {
  const want: Want = { ...deployment(plan), fields: FREE };
  const template = templateOf(plan, world);
  if (template === undefined) return want;
  const giveUp = `Deployment ${plan.name} stays paused: its template is not the one that runs`;
  return isOurs(plan, template) ? withOldTemplate(plan, want) : { ...want, fields: {}, giveUp };
}

/** The template that ran, or the one that was shipped: nobody else's. */
function isOurs({ oldTemplate, newTemplate }: WorkloadPlan, template: Json | undefined): boolean {
  return template === oldTemplate || template === newTemplate;
}

function withOldTemplate(plan: WorkloadPlan, want: Want): Want {
  return {
    ...want,
    fields: { ...want.fields, template: plan.oldTemplate },
    values: { template: plan.template as Json },
  };
}

/** @returns undefined while the Deployment is not seen. */
function templateOf(plan: WorkloadPlan, world: World): Json | undefined {
  const record = world.see('Deployment', plan.name);
  return typeof record === 'string' ? undefined : record.fields['template'];
}

/** Let go where that moves no pod: the set of its template is there at the full size. */
function settled(plan: WorkloadPlan, world: World): Want {
  const want: Want = { ...deployment(plan), fields: FREE };
  const record = world.see('Deployment', plan.name);
  if (typeof record === 'string' || record.fields['paused'] !== true) return want;
  const { template, replicas } = record.fields;
  const isRunning = world
    .all('ReplicaSet')
    .some(
      ({ fields, facts }) =>
        fields['template'] === template && facts.ownerUid === plan.uid && facts.available === replicas,
    );
  if (isRunning) return want;
  return { ...want, fields: {}, giveUp: `Deployment ${plan.name} stays paused: its template is not the one that runs` };
}

function letGo(plan: WorkloadPlan, template: string): Want {
  return { ...deployment(plan), fields: FREE, must: { template } };
}

/** The new template under the pause. Its size is the canary's of now: a left-out size goes back to one. */
function manifest(plan: WorkloadPlan, { rollout, size }: WorkloadView): Want {
  const { asked } = plan;
  const spec = { ...(asked['spec'] as object), paused: true, ...(size === undefined ? {} : { replicas: size }) };
  const labels = { ...asked.metadata.labels, [HELD]: rolloutLabel(rollout) };
  return {
    ...deployment(plan),
    fields: { template: plan.newTemplate, paused: true, [MARK]: rolloutLabel(rollout) },
    manifest: { ...asked, metadata: { ...asked.metadata, labels }, spec },
    ...(size === undefined ? { withheld: `the size of Deployment ${plan.name} is not known` } : {}),
  };
}

function canarySet(plan: WorkloadPlan, size: number | undefined): Want {
  if (size === undefined) {
    return {
      ...set(plan),
      state: 'ifExists',
      fields: {},
      withheld: `the size of Deployment ${plan.name} is not known`,
    };
  }
  return {
    ...set(plan),
    state: 'present',
    fields: sized(size),
    object: sizedSet(plan.set, size),
    must: { template: plan.newTemplate },
  };
}

function sized(size: number): Fields {
  return { replicas: size, [DESIRED]: String(size) };
}

function sizedSet(object: KubeObject, size: number): KubeObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, 'deployment.kubernetes.io/desired-replicas': String(size) };
  return { ...object, metadata: { ...metadata, annotations }, spec: { ...(object['spec'] as object), replicas: size } };
}

/** The labels by which the Deployment takes it for its own; Sluice's go. From here on its size is the controller's. */
function adoptedSet(plan: WorkloadPlan): Want {
  const own = Object.keys(plan.set.metadata.labels ?? {}).filter((label) => !(label in plan.adoptionLabels));
  const fields = Object.fromEntries([
    ...own.map((label) => [`label:${label}`, null] as const),
    ...Object.entries(plan.adoptionLabels).map(([label, value]) => [`label:${label}`, value] as const),
  ]);
  return { ...set(plan), state: 'present', fields };
}

/** Old, empty sets with the template that is shipped: the controller would take the oldest of them in place of ours. */
function twins(plan: WorkloadPlan, world: World): Want[] {
  return world
    .all('ReplicaSet')
    .filter(
      ({ name, fields, facts }) =>
        name !== plan.setName &&
        facts.ownerUid === plan.uid &&
        fields['replicas'] === 0 &&
        fields['template'] === plan.newTemplate,
    )
    .map(({ name }) => ({ kind: 'ReplicaSet', name, state: 'absent', fields: {} }));
}

/** Owned by the Deployment, and no third set came of it; undefined while that is not seen. */
export function isAdopted(plan: WorkloadPlan, world: World): boolean | undefined {
  if (!world.isLive('ReplicaSet')) return undefined;
  const own = world.see('ReplicaSet', plan.setName);
  if (typeof own === 'string') return false;
  const others = world
    .all('ReplicaSet')
    .filter(
      ({ name, fields, facts }) => name !== plan.setName && facts.ownerUid === plan.uid && fields['replicas'] !== 0,
    );
  return own.facts.ownerUid === plan.uid && others.every(({ facts }) => facts.hash === plan.stableHash);
}

/** The Deployment has settled on its template, and every pod of the old one has gone; undefined while that is not seen. */
export function isSettled(plan: WorkloadPlan, world: World): boolean | undefined {
  const record = world.see('Deployment', plan.name);
  const old = podsOf(world, plan.stableHash);
  if (record === 'unknown' || old === undefined) return undefined;
  if (record === 'absent') return false;
  const { observedGeneration, updated, replicas, available } = record.facts;
  const wanted = record.fields['replicas'];
  const isDone = updated === wanted && replicas === wanted && available === wanted;
  return isDone && observedGeneration >= record.generation && old.length === 0;
}
