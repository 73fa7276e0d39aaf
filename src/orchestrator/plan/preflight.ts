/** The checks before a run: every problem at once, each naming its object and what to do, before anything is changed. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { AccessRule } from '../../protocol/operation.ts';
import type { ResolvedTarget, SmiEntry } from '../file/resolved.ts';
import { RESTORE, ROLE, ROLLOUT } from './marks.ts';
import { serviceNamed, stableSet, type Observed } from './observed.ts';
import { asDeployment, asService, isDeployment, selects, type Deployment, type Service } from './workload.ts';

export interface Problem {
  /** Stable word for scripts; listed in docs/errors.md. */
  code: string;
  /** `Service web`, or the place in the file. */
  object: string;
  message: string;
}

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
    ...(hasSmi ? rules('split.smi-spec.io', 'trafficsplits', ['list', 'watch', 'create', 'patch', 'delete']) : []),
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

/** The root as the cluster has it, or, before the first deployment, as the file brings it. */
export function rootService(smi: SmiEntry, target: ResolvedTarget, observed: Observed): Service | undefined {
  const inFile = target.objects.find(
    ({ object }) => object.kind === 'Service' && object.metadata.name === smi.rootServiceName,
  );
  return serviceNamed(observed, smi.rootServiceName) ?? (inFile === undefined ? undefined : asService(inFile.object));
}

function rootProblems(
  smi: SmiEntry,
  target: ResolvedTarget,
  observed: Observed,
  podLabels: Record<string, string>,
): Problem[] {
  const object = `Service ${smi.rootServiceName}`;
  const root = rootService(smi, target, observed);
  const say = (code: string, message: string): Problem[] => [{ code, object, message }];
  if (root === undefined) {
    return say(
      'ROOT_SERVICE_MISSING',
      `the root Service is not in namespace ${target.namespace}, and no manifest brings it: create it, or correct trafficManagement.smi.rootServiceName`,
    );
  }
  if (root.spec.type === 'ExternalName') {
    return say('ROOT_SERVICE_EXTERNAL', 'an ExternalName Service cannot be split: use one that selects the pods');
  }
  if (root.spec.clusterIP === 'None') {
    return say('ROOT_SERVICE_HEADLESS', 'a headless Service cannot be split (clusterIP: None): give it a cluster IP');
  }
  if (!selects(root.spec.selector, podLabels) && root.metadata.annotations?.[RESTORE] === undefined) {
    return say(
      'ROOT_SELECTOR_MISSES',
      `its selector ${show(root.spec.selector)} matches no pod of the Deployment, whose pods are labelled ${show(podLabels)}`,
    );
  }
  if ((root.spec.ports ?? []).length === 0) return say('ROOT_SERVICE_PORTS', 'it has no port to split');
  return leftover(root);
}

function leftover(object: KubeObject): Problem[] {
  const restore = object.metadata.annotations?.[RESTORE];
  if (restore === undefined) return [];
  return [
    {
      code: 'LEFTOVER',
      object: `${object.kind} ${object.metadata.name}`,
      message: `another rollout still holds it (${RESTORE}: ${restore}): wait for that rollout to end, or undo it by hand as the annotation says`,
    },
  ];
}

function show(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '(none)' : pairs.join(',');
}

function splitProblems(smi: SmiEntry, observed: Observed): Problem[] {
  if (observed.served.splits.length === 0) {
    return [
      {
        code: 'SPLIT_NOT_SERVED',
        object: 'TrafficSplit',
        message: 'the cluster serves no TrafficSplit in v1alpha1 or v1alpha2: install linkerd-smi',
      },
    ];
  }
  return observed.splits.flatMap((split) => {
    const service = (split['spec'] as { service?: string } | undefined)?.service;
    const isOnRoot = service === smi.rootServiceName;
    if (!isOnRoot && split.metadata.name !== smi.trafficSplitName) return [];
    const owner =
      split.metadata.labels?.[ROLE] === 'split' ? `rollout ${split.metadata.labels[ROLLOUT]}` : 'somebody else';
    return [
      {
        code: isOnRoot ? 'SPLIT_ON_ROOT' : 'SPLIT_NAME_TAKEN',
        object: `TrafficSplit ${split.metadata.name}`,
        message: isOnRoot
          ? `${owner} already splits ${smi.rootServiceName}: two splits on one root overwrite each other; remove it first`
          : `the name belongs to a split of ${service ?? 'another Service'}: set trafficManagement.smi.trafficSplitName`,
      },
    ];
  });
}

function canaryServiceProblems(smi: SmiEntry, observed: Observed): Problem[] {
  const root = serviceNamed(observed, smi.rootServiceName);
  const given = smi.canaryServiceName;
  if (given !== undefined) {
    const canary = serviceNamed(observed, given);
    const object = `Service ${given}`;
    if (canary === undefined) {
      const message = 'canaryServiceName names a Service that is not there: create it, or leave the key out';
      return [{ code: 'CANARY_SERVICE_MISSING', object, message }];
    }
    const lacking = (root?.spec.ports ?? []).filter(({ port }) => !canary.spec.ports?.some((own) => own.port === port));
    return lacking.length === 0
      ? leftover(canary)
      : [
          {
            code: 'CANARY_SERVICE_PORTS',
            object,
            message: `it lacks port ${lacking.map(({ port }) => port).join(', ')} of ${smi.rootServiceName}: requests for it would find no endpoint`,
          },
        ];
  }
  return [`${smi.rootServiceName}-stable`, `${smi.rootServiceName}-canary`].flatMap((name) => {
    const taken = name.endsWith('-canary') && given !== undefined ? undefined : serviceNamed(observed, name);
    if (taken === undefined) return [];
    const message =
      'a Service of this name is there already: Sluice makes its own and will not take it over; rename or remove it';
    return [{ code: 'BACKEND_NAME_TAKEN', object: `Service ${name}`, message }];
  });
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

function meshWarnings(smi: SmiEntry, observed: Observed, wanted: Deployment): string[] {
  const warnings: string[] = [];
  const { routes, profiles } = observed.served;
  if (!routes) {
    warnings.push(
      `HTTPRoute is not served here: clients that are already talking to ${smi.rootServiceName} will not follow the split until they idle or restart`,
    );
  } else if (foreignRoute(smi.rootServiceName, observed.routes) !== undefined) {
    const route = foreignRoute(smi.rootServiceName, observed.routes);
    warnings.push(
      `HTTPRoute ${route} is on ${smi.rootServiceName} already: no companion route is made, and busy clients will not follow the split`,
    );
  }
  if (!profiles)
    warnings.push('ServiceProfile is not served here: that the mesh took a weight cannot be read back from it');
  const injected = wanted.spec.template.metadata?.annotations?.['linkerd.io/inject'];
  if (injected === 'disabled') warnings.push('the pods ask not to be meshed (linkerd.io/inject: disabled)');
  return warnings;
}

/** linkerd-smi names a root's ServiceProfile by its full DNS name. */
export function profileName(root: string, namespace: string): string {
  return `${root}.${namespace}.svc.cluster.local`;
}

/** An HTTPRoute of somebody else whose parent is the root. */
export function foreignRoute(root: string, routes: KubeObject[]): string | undefined {
  return routes.find((route) => {
    const parents =
      (route['spec'] as { parentRefs?: { kind?: string; name?: string }[] } | undefined)?.parentRefs ?? [];
    return parents.some((parent) => parent.kind === 'Service' && parent.name === root);
  })?.metadata.name;
}

/** Problems with an existing ServiceProfile of the root: one whose weights are somebody else's would beat ours. */
function profileProblems(profileName: string, observed: Observed): Problem[] {
  const profile = observed.profiles.find(({ metadata }) => metadata.name === profileName);
  if (profile === undefined) return [];
  const overrides = (profile['spec'] as { dstOverrides?: unknown[] } | undefined)?.dstOverrides ?? [];
  const object = `ServiceProfile ${profileName}`;
  if (profile.metadata.annotations?.['smi.linkerd.io/skip'] !== undefined) {
    return [
      {
        code: 'PROFILE_SKIPPED',
        object,
        message: 'it carries smi.linkerd.io/skip, so linkerd-smi will not follow the split: remove the annotation',
      },
    ];
  }
  if (overrides.length === 0) return [];
  return [
    {
      code: 'PROFILE_OVERRIDES',
      object,
      message: 'it already has dstOverrides that no TrafficSplit accounts for: empty them first',
    },
  ];
}
