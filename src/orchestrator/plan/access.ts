/** What a run does in its namespace, as RBAC says it. */

import type { AccessRule } from '../../protocol/operation.ts';
import type { ResolvedTarget } from '../file/resolved.ts';
import type { Served } from './observed.ts';

/** What of a run decides which rights it needs. */
export interface Needs {
  /** Nothing is there yet: a first deployment that fails removes its Deployment. */
  isFirst: boolean;
  /** Traffic is shifted: backends, split, and the canary beside the Deployment. */
  hasSplit: boolean;
  /** HTTPRoute is served: companions are made. */
  hasRoutes: boolean;
  /** ServiceProfile is served: what the mesh made of the split is read back. */
  hasProfiles: boolean;
  /** A step runs a Job and shows its log. */
  hasJobs: boolean;
}

export function needsOf(target: ResolvedTarget, served: Served, isFirst: boolean): Needs {
  const hasSplit = target.smi.length > 0 && served.splits.length > 0;
  return {
    isFirst,
    hasSplit,
    hasRoutes: hasSplit && served.routes,
    hasProfiles: hasSplit && served.profiles,
    hasJobs: hasSplit && (target.strategy?.steps.some(({ kind }) => kind === 'runJob') ?? false),
  };
}

/** Kinds that a manifest brings beside these are found out by its dry run. */
export function neededAccess(needs: Needs): AccessRule[] {
  const rules = (group: string, resource: string, verbs: string[]): AccessRule[] =>
    verbs.map((verb) => ({ group, resource, verb }));
  const when = (isNeeded: boolean, more: AccessRule[]): AccessRule[] => (isNeeded ? more : []);
  return [
    ...rules('apps', 'deployments', ['get', 'list', 'watch', 'create', 'patch']),
    ...when(needs.isFirst, rules('apps', 'deployments', ['delete'])),
    // An autoscaler that is not seen would be fought over the size.
    ...rules('autoscaling', 'horizontalpodautoscalers', ['list']),
    ...rules('apps', 'replicasets', ['list', 'watch']),
    ...rules('', 'pods', ['list', 'watch']),
    ...rules('', 'services', ['get', 'list', 'watch']),
    ...rules('discovery.k8s.io', 'endpointslices', ['list', 'watch']),
    ...when(needs.hasSplit, [
      ...rules('apps', 'replicasets', ['create', 'patch', 'delete']),
      ...rules('', 'services', ['create', 'patch', 'delete']),
      ...rules('split.smi-spec.io', 'trafficsplits', ['list', 'watch', 'create', 'patch', 'delete']),
    ]),
    ...when(
      needs.hasRoutes,
      rules('gateway.networking.k8s.io', 'httproutes', ['list', 'watch', 'create', 'patch', 'delete']),
    ),
    ...when(needs.hasProfiles, rules('linkerd.io', 'serviceprofiles', ['list', 'watch', 'delete'])),
    ...when(needs.hasJobs, [
      ...rules('batch', 'jobs', ['list', 'watch', 'create', 'patch', 'delete']),
      ...rules('', 'pods/log', ['get']),
    ]),
  ];
}
