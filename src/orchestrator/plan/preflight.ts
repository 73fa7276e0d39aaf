/** The checks before a run: every problem at once, each naming its object and what to do, before anything is changed. */

import type { AccessRule } from '../../protocol/operation.ts';
import type { ResolvedTarget } from '../file/resolved.ts';
import { stableSet, type Observed } from './observed.ts';
import {
  canaryServiceProblems,
  meshWarnings,
  profileName,
  profileProblems,
  rootProblems,
  splitProblems,
} from './preflight-routing.ts';
import { leftover, type Problem } from './problem.ts';
import { asDeployment, isDeployment, type Deployment } from './workload.ts';

export interface Findings {
  problems: Problem[];
  warnings: string[];
}

/** What a canary does in its namespace, as RBAC says it. */
export function neededAccess(hasSmi: boolean): AccessRule[] {
  const rules = (group: string, resource: string, verbs: string[]): AccessRule[] =>
    verbs.map((verb) => ({ group, resource, verb }));
  return [
    ...rules('apps', 'deployments', ['get', 'list', 'watch', 'create', 'patch']),
    ...rules('apps', 'replicasets', ['list', 'watch', 'create', 'patch', 'delete']),
    ...rules('', 'pods', ['list', 'watch']),
    ...rules('', 'services', ['get', 'list', 'watch', 'create', 'patch', 'delete']),
    ...rules('discovery.k8s.io', 'endpointslices', ['list', 'watch']),
    ...(hasSmi
      ? [
          ...rules('split.smi-spec.io', 'trafficsplits', ['list', 'watch', 'create', 'patch', 'delete']),
          ...rules('gateway.networking.k8s.io', 'httproutes', ['list', 'watch', 'create', 'patch', 'delete']),
          ...rules('linkerd.io', 'serviceprofiles', ['list', 'watch', 'delete']),
        ]
      : []),
  ];
}

export function preflight(target: ResolvedTarget, observed: Observed): Findings {
  const smi = target.smi[0];
  const wanted = target.objects.map(({ object }) => object).find(isDeployment);
  const problems = [...accessProblems(target, observed), ...dryRunProblems(observed)];
  const warnings: string[] = [];
  if (wanted !== undefined && smi !== undefined) {
    const workload = observed.dryRuns.find(({ kind, name }) => kind === 'Deployment' && name === wanted.metadata.name);
    const template = asDeployment(workload?.after ?? wanted).spec.template;
    problems.push(...rootProblems(smi, target, observed, template?.metadata?.labels ?? {}));
    problems.push(...splitProblems(smi, observed));
    problems.push(...canaryServiceProblems(smi, observed));
    problems.push(...profileProblems(profileName(smi.rootServiceName, target.namespace), observed));
    warnings.push(...meshWarnings(smi, observed, asDeployment(wanted)));
  }
  if (observed.deployment !== undefined) problems.push(...deploymentProblems(observed.deployment, observed));
  problems.push(...quotaProblems(observed));
  return { problems, warnings };
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

/** A canary needs as many pods again as the Deployment has. Only quotas that count pods are judged here. */
function quotaProblems(observed: Observed): Problem[] {
  const extra = observed.deployment?.spec.replicas ?? 0;
  return observed.quotas.flatMap((quota) => {
    const status = quota['status'] as { hard?: Record<string, string>; used?: Record<string, string> } | undefined;
    const key = ['pods', 'count/pods'].find((name) => status?.hard?.[name] !== undefined);
    if (key === undefined) return [];
    const free = Number(status?.hard?.[key]) - Number(status?.used?.[key] ?? 0);
    if (!(free < extra)) return [];
    const message = `it leaves room for ${free} more pods, the canary needs ${extra}: raise it or scale down`;
    return [{ code: 'QUOTA', object: `ResourceQuota ${quota.metadata.name}`, message }];
  });
}
