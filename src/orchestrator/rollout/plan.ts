/** The plan of a canary, from what the file asks and what the survey found. Pure; stored before the first write. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Json } from '../../protocol/records.ts';
import { templateDigest } from '../../protocol/template-digest.ts';
import { canarySet } from '../plan/canary-set.ts';
import { TEMPLATE_HASH } from '../plan/marks.ts';
import type { CanaryPlan } from '../plan/rollout-plan.ts';
import type { Deployment } from '../plan/workload.ts';
import { canaryStages, settleStages, undoStages } from '../strategies/canary.ts';
import { driverOf } from '../traffic/registry.ts';
import { bindingOf } from '../traffic/linkerd-smi/binding.ts';
import type { PodsBinding } from '../traffic/pods/driver.ts';
import { workloadInventory } from '../workload/deployment.ts';
import type { Binding, Plan, WorkloadPlan } from './model.ts';

/** How shares become real, of what this plan can be given. */
export type DriverName = 'linkerd-smi' | 'pods';

/**
 * @param found what today's planning makes of file and survey: names, hashes and sizes.
 * @param live the Deployment as the survey found it.
 */
export function planCanary(found: CanaryPlan, live: Deployment, driver: DriverName): Plan {
  const { rolloutId: rollout, namespace } = found.names;
  const binding: Binding = {
    workload: workloadPlan(found, live),
    driver,
    roots: [found.names.root],
    traffic: BIND[driver](found) as Json,
  };
  const { steps, readyTimeoutMs } = found;
  const guard = { name: `sluice-guard-${found.canaryHash}`, minReady: found.guard.minReady };
  return {
    version: 1,
    rollout,
    namespace,
    bindings: [binding],
    guard,
    inventory: [
      ...workloadInventory(binding.workload),
      ...driverOf(binding).inventory(binding),
      { kind: 'ConfigMap', name: guard.name, role: 'made' },
    ],
    stages: canaryStages(binding, { steps, readyTimeoutMs }),
    undo: undoStages(binding),
    settle: settleStages(binding),
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
