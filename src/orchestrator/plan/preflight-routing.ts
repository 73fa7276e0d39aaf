/** The checks of what carries the traffic: root, canary Service, splits, routes and profiles, each named with what to do. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { ResolvedTarget, SmiEntry } from '../file/resolved.ts';
import { RESTORE, ROLE, ROLLOUT } from './marks.ts';
import { isKind } from '../file/api-group.ts';
import { serviceNamed, type Observed } from './observed.ts';
import { leftover, type Problem } from './problem.ts';
import { retainedOf } from './retain.ts';
import { asService, selects, type Deployment, type Service } from './workload.ts';

/** The root as the cluster has it, or, before the first deployment, as the file brings it. */
function rootService(smi: SmiEntry, target: ResolvedTarget, observed: Observed): Service | undefined {
  const inFile = target.objects.find(
    ({ object }) => isKind(object, 'Service') && object.metadata.name === smi.rootServiceName,
  );
  return serviceNamed(observed, smi.rootServiceName) ?? (inFile === undefined ? undefined : asService(inFile.object));
}

export function rootProblems(
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

function show(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '(none)' : pairs.join(',');
}

export function splitProblems(smi: SmiEntry, observed: Observed): Problem[] {
  if (observed.served.splits.length === 0) {
    return [
      {
        code: 'SPLIT_NOT_SERVED',
        object: 'TrafficSplit',
        message: 'the cluster serves no TrafficSplit in v1alpha1 or v1alpha2: install linkerd-smi',
      },
    ];
  }
  const retained = retainedOf(smi.rootServiceName, observed);
  return observed.splits.flatMap((split) => {
    if (split === retained?.split) return [];
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

export function canaryServiceProblems(smi: SmiEntry, observed: Observed): Problem[] {
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
    const isOurs = retainedOf(smi.rootServiceName, observed)?.services.includes(name) === true;
    if (isOurs || serviceNamed(observed, name) === undefined) return [];
    const message =
      'a Service of this name is there already: Sluice makes its own and will not take it over; rename or remove it';
    return [{ code: 'BACKEND_NAME_TAKEN', object: `Service ${name}`, message }];
  });
}

export function meshWarnings(smi: SmiEntry, observed: Observed, wanted: Deployment): string[] {
  const warnings: string[] = [];
  const { profiles } = observed.served;
  warnings.push(...busyWarnings(smi, observed));
  if (!profiles)
    warnings.push('ServiceProfile is not served here: that the mesh took a weight cannot be read back from it');
  const labels = wanted.spec.template.metadata?.labels ?? {};
  const others = observed.services.filter(
    ({ metadata, spec }) =>
      metadata.name !== smi.rootServiceName &&
      retainedOf(smi.rootServiceName, observed)?.services.includes(metadata.name) !== true &&
      selects(spec.selector, labels),
  );
  if (others.length > 0) {
    const names = others.map(({ metadata }) => metadata.name).join(', ');
    warnings.push(
      `Service ${names} picks the same pods and is not split: once the canary is ready its clients reach it in proportion to its pods`,
    );
  }
  return warnings;
}

/** Who is talking to the root when its first split is made follows a route, and not the split. One that was kept, everybody who met it follows. */
function busyWarnings(smi: SmiEntry, observed: Observed): string[] {
  const root = smi.rootServiceName;
  const retained = retainedOf(root, observed)?.split;
  const warnings: string[] = [];
  if (retained !== undefined && retained.metadata.name !== smi.trafficSplitName) {
    warnings.push(
      `TrafficSplit ${retained.metadata.name}, kept by an earlier run, is used in place of ${smi.trafficSplitName}: a second one on ${root} would fight it`,
    );
  }
  const route = foreignRoute(root, observed.routes);
  if (retained !== undefined || (observed.served.routes && route === undefined)) return warnings;
  const why = observed.served.routes
    ? `HTTPRoute ${route} is on ${root} already, so that no companion route is made`
    : 'HTTPRoute is not served here';
  const way =
    smi.retain === true
      ? 'this run keeps its split (retain: true), and the next one reaches all who have met it by then'
      : `set retain: true beside rootServiceName: ${root}, and from the second canary on the split is one that they know`;
  warnings.push(
    `${why}: clients that are already talking to ${root} get nothing of the canary, and will not follow the split until they idle or restart; ${way}`,
  );
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
export function profileProblems(profileName: string, observed: Observed): Problem[] {
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
  const root = profileName.slice(0, profileName.indexOf('.'));
  if (overrides.length === 0 || retainedOf(root, observed)?.split !== undefined) return [];
  return [
    {
      code: 'PROFILE_OVERRIDES',
      object,
      message: 'it already has dstOverrides that no TrafficSplit accounts for: empty them first',
    },
  ];
}
