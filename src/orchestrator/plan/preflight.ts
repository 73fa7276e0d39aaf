/** The checks before a run: every problem at once, each naming its object and what to do, before anything is changed. */

import type { ResolvedTarget } from '../file/resolved.ts';
import { canarySize, isSameTemplate } from './canary-set.ts';
import { injectionWarnings } from './injection.ts';
import { DEPLOYMENT, autoscalerOf, dryRunOf, stableSet, type Observed } from './observed.ts';
import {
  canaryServiceProblems,
  meshWarnings,
  profileName,
  profileProblems,
  rootProblems,
  splitProblems,
} from './preflight-routing.ts';
import { leftover, type Problem } from './problem.ts';
import { quotaProblems } from './quota.ts';
import { asDeployment, isDeployment, type Deployment } from './workload.ts';

export interface Findings {
  problems: Problem[];
  warnings: string[];
}

export function preflight(target: ResolvedTarget, observed: Observed): Findings {
  const smi = target.smi[0];
  const wanted = target.objects.map(({ object }) => object).find(isDeployment);
  const problems = [...accessProblems(target, observed), ...dryRunProblems(observed)];
  const warnings: string[] = [];
  if (wanted !== undefined && smi !== undefined) {
    const workload = dryRunOf(observed.dryRuns, DEPLOYMENT, wanted.metadata.name);
    const template = asDeployment(workload?.after ?? wanted).spec.template;
    problems.push(...rootProblems(smi, target, observed, template?.metadata?.labels ?? {}));
    problems.push(...splitProblems(smi, observed));
    problems.push(...canaryServiceProblems(smi, observed));
    problems.push(...profileProblems(profileName(smi.rootServiceName, target.namespace), observed));
    warnings.push(...meshWarnings(smi, observed, asDeployment(wanted)));
  }
  if (observed.deployment !== undefined) problems.push(...deploymentProblems(observed.deployment, observed));
  const canary = wanted === undefined ? undefined : canaryOf(target, observed, asDeployment(wanted));
  if (canary !== undefined) {
    const { template, count } = canary;
    problems.push(...quotaProblems(observed.quotas, template, count));
    warnings.push(...unreadWarnings(observed));
    const { name } = canary.metadata;
    const steps = target.strategy?.steps ?? [];
    warnings.push(...injectionWarnings({ deployment: name, template, pods: observed.stablePods, steps }));
  }
  return { problems, warnings };
}

/** The canary that the run would bring up; undefined where there is none: nothing shifts, or the pods stay as they are. */
function canaryOf(
  target: ResolvedTarget,
  observed: Observed,
  wanted: Deployment,
): (Pick<Deployment, 'metadata'> & { template: Deployment['spec']['template']; count: number }) | undefined {
  const live = observed.deployment;
  const run = dryRunOf(observed.dryRuns, DEPLOYMENT, wanted.metadata.name);
  if (live === undefined || run?.after === undefined || target.smi.length === 0) return undefined;
  const { template } = asDeployment(run.after).spec;
  const liveReplicas = live.spec.replicas ?? 1;
  if (liveReplicas === 0 || isSameTemplate(template, live.spec.template)) return undefined;
  const count = canarySize({
    live: liveReplicas,
    atStart: liveReplicas,
    asked: wanted.spec.replicas,
    scaledByHpa: autoscalerOf(observed.autoscalers, wanted.metadata.name) !== undefined,
  });
  return { metadata: live.metadata, template, count };
}

/** What would only have warned, or cannot be asked for: the run goes on without. */
function unreadWarnings({ unread }: Observed): string[] {
  return unread.map(({ what, message }) => {
    const lost = {
      quotas: "whether there is room for the canary's pods",
      pods: 'whether the pods are meshed',
    }[what];
    return `${lost} is not known: ${message}`;
  });
}

function accessProblems(target: ResolvedTarget, observed: Observed): Problem[] {
  return observed.denied.map(({ group, resource, verb }) => ({
    code: 'ACCESS_DENIED',
    object: `namespace ${target.namespace}`,
    message: `the agent of ${target.account} may not ${verb} ${resource}${group === '' ? '' : `.${group}`}: add ${target.namespace} to allowedNamespaces of its chart, or the verb to its Role`,
  }));
}

function dryRunProblems(observed: Observed): Problem[] {
  return observed.dryRuns.flatMap(({ kind, name, source, problem }) =>
    problem === undefined
      ? []
      : [
          {
            code: 'OBJECT_REFUSED',
            object: `${kind} ${name}`,
            message: `${source}: the cluster refuses it: ${problem}`,
          },
        ],
  );
}

function deploymentProblems(deployment: Deployment, observed: Observed): Problem[] {
  const object = `Deployment ${deployment.metadata.name}`;
  const problems: Problem[] = [...leftover(deployment)];
  if (deployment.spec.paused === true && problems.length === 0) {
    problems.push({
      code: 'DEPLOYMENT_PAUSED',
      object,
      message: 'somebody paused it: `kubectl rollout resume` it first',
    });
  }
  const { status, spec, metadata } = deployment;
  const isSettled =
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) === (spec.replicas ?? 1) &&
    (status?.replicas ?? 0) === (spec.replicas ?? 1);
  if (!isSettled && problems.length === 0) {
    const message = `it is still rolling out (${status?.updatedReplicas ?? 0} of ${spec.replicas ?? 1} pods are of its current version): wait until it is done`;
    problems.push({ code: 'DEPLOYMENT_UNSETTLED', object, message });
  }
  if (isSettled && stableSet(deployment, observed.replicaSets) === undefined) {
    problems.push({ code: 'STABLE_UNKNOWN', object, message: 'no ReplicaSet carries its current revision' });
  }
  return problems;
}
