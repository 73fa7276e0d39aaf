/** The plan of a canary, from what the file asks and what the survey found. Pure; stored before the first write. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Json } from '../../protocol/records.ts';
import { templateDigest } from '../../protocol/template-digest.ts';
import { canarySet } from '../plan/canary-set.ts';
import { TEMPLATE_HASH } from '../plan/marks.ts';
import type { CanaryPlan } from '../plan/rollout-plan.ts';
import type { Deployment } from '../plan/workload.ts';
import { canaryStages, settleStages, undoStages, type CanarySettings } from '../strategies/canary.ts';
import { driverOf } from '../traffic/registry.ts';
import { bindingOf } from '../traffic/linkerd-smi/binding.ts';
import type { PodsBinding } from '../traffic/pods/driver.ts';
import { workloadInventory } from '../workload/deployment.ts';
import type { Binding, Plan, WorkloadPlan } from './model.ts';

/** How shares become real, of what this plan can be given. */
export type DriverName = 'linkerd-smi' | 'pods';

/** One workload of a canary. */
export interface Found {
  /** What today's planning makes of file and survey: names, hashes and sizes. */
  canary: CanaryPlan;
  /** The Deployment as the survey found it. */
  live: Deployment;
}

/** @param found all workloads that get a canary, at least one; a stage spans them all, by the steps and settings of the first. */
export function planCanary(found: Found[], driver: DriverName): Plan {
  const [first] = found;
  if (first === undefined) throw new Error('A canary is planned for no workload.');
  const { names, steps, readyTimeoutMs, canaryHash, guard } = first.canary;
  const bindings = found.map((each) => bind(each, driver));
  const guardPlan = { name: `sluice-guard-${canaryHash}`, minReady: guard.minReady };
  return {
    version: 1,
    rollout: names.rolloutId,
    namespace: names.namespace,
    bindings,
    guard: guardPlan,
    inventory: [
      ...bindings.flatMap((binding) => [
        ...workloadInventory(binding.workload),
        ...driverOf(binding).inventory(binding),
      ]),
      { kind: 'ConfigMap', name: guardPlan.name, role: 'made' },
    ],
    ...stagesOf(bindings[0] as Binding, { steps, readyTimeoutMs }),
  };
}

/** Workloads of one target share a driver, so that its ways are those of them all. */
function stagesOf(binding: Binding, settings: CanarySettings): Pick<Plan, 'stages' | 'undo' | 'settle'> {
  return { stages: canaryStages(binding, settings), undo: undoStages(binding), settle: settleStages(binding) };
}

function bind({ canary, live }: Found, driver: DriverName): Binding {
  return {
    workload: workloadPlan(canary, live),
    driver,
    roots: [canary.names.root],
    traffic: BIND[driver](canary) as Json,
  };
}

const BIND: Record<DriverName, (found: CanaryPlan) => unknown> = {
  'linkerd-smi': bindingOf,
  pods: ({ names, root, rootSelector, stableHash, canaryHash }): PodsBinding => ({
    rollout: names.rolloutId,
    service: names.root,
    serviceUid: root.metadata.uid ?? '',
    selector: rootSelector,
    stableHash,
    canaryHash,
  }),
};

function workloadPlan(found: CanaryPlan, live: Deployment): WorkloadPlan {
  const { becomes, asked, canaryHash, canaryReplicas, names, liveReplicas, scaledByHpa } = found;
  const { template } = becomes.spec;
  return {
    name: live.metadata.name,
    uid: live.metadata.uid ?? '',
    asked,
    set: beside(canarySet(becomes, canaryHash, canaryReplicas, names.rolloutId), live),
    setName: found.canarySetName,
    stableHash: found.stableHash,
    canaryHash,
    template: live.spec.template,
    oldTemplate: templateDigest(live.spec.template),
    newTemplate: templateDigest(template),
    adoptionLabels: { ...template.metadata?.labels, [TEMPLATE_HASH]: canaryHash },
    liveReplicas,
    ...(asked.spec.replicas === undefined ? {} : { askedReplicas: asked.spec.replicas }),
    scaledByHpa,
  };
}

/** Never an object that nobody owns: GitOps tools prune those. It is no controller, or the Deployment would take it at once. */
function beside(set: KubeObject, { metadata: { name, uid = '' } }: Deployment): KubeObject {
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: false };
  return { ...set, metadata: { ...set.metadata, ownerReferences: [owner] } };
}
