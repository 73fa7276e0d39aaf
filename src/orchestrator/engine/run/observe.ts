/** Reads everything a plan needs from the cluster, before anything is changed. */

import type { KubeObject, ObjectRef } from '../../../protocol/kube-object.ts';
import type { ResolvedObject, ResolvedTarget } from '../../file/resolved.ts';
import { needsOf, neededAccess } from '../../plan/access.ts';
import { TEMPLATE_HASH } from '../../plan/marks.ts';
import { autoscalerOf, stableSet, type DryRun, type Observed, type Served } from '../../plan/observed.ts';
import { askedDeployment } from '../../plan/rollout-plan.ts';
import {
  asDeployment,
  asReplicaSet,
  asService,
  isDeployment,
  type Deployment,
  type ReplicaSet,
} from '../../plan/workload.ts';
import { OperationFault } from './fault.ts';
import type { Run } from './run.ts';

const GROUPS = ['split.smi-spec.io', 'gateway.networking.k8s.io', 'linkerd.io'];

export async function observe(run: Run, target: ResolvedTarget): Promise<Observed> {
  const { namespace } = run.identity;
  const served = await readServed(run);
  const wanted = target.objects.find(({ object }) => isDeployment(object))?.object;
  const deployment = wanted === undefined ? undefined : await readDeployment(run, wanted.metadata.name);
  const rules = neededAccess(needsOf(target, served, deployment === undefined));
  const { denied } = await run.call('review access', { kind: 'reviewAccess', namespace, rules });
  const list = (what: string, apiVersion: string, objectKind: string): Promise<KubeObject[]> =>
    readList(run, what, apiVersion, objectKind);
  const autoscalers = await list('list autoscalers', 'autoscaling/v2', 'HorizontalPodAutoscaler');
  const replicaSets = (await list('list ReplicaSets', 'apps/v1', 'ReplicaSet')).map(asReplicaSet);
  return {
    served,
    denied,
    ...(deployment === undefined ? {} : { deployment }),
    replicaSets,
    services: (await list('list Services', 'v1', 'Service')).map(asService),
    splits: served.splits.length === 0 ? [] : await list('list TrafficSplits', splitApi(served), 'TrafficSplit'),
    routes: served.routes ? await list('list HTTPRoutes', 'gateway.networking.k8s.io/v1', 'HTTPRoute') : [],
    profiles: served.profiles ? await list('list ServiceProfiles', 'linkerd.io/v1alpha2', 'ServiceProfile') : [],
    autoscalers,
    ...(await readOptional(run, target.smi.length === 0 ? undefined : deployment, replicaSets)),
    dryRuns: await dryRunAll(run, target, deployment, autoscalers),
  };
}

type Optional = Pick<Observed, 'quotas' | 'stablePods' | 'unread'>;

/** What only a canary asks for, and what a run can do without. */
async function readOptional(run: Run, deployment: Deployment | undefined, sets: ReplicaSet[]): Promise<Optional> {
  const found: Optional = { quotas: [], stablePods: [], unread: [] };
  if (deployment === undefined) return found;
  const { namespace } = run.identity;
  const list = async (what: 'quotas' | 'pods', objectKind: string, labelSelector?: string): Promise<KubeObject[]> => {
    const result = await run.attempt(`list ${what}`, {
      kind: 'list',
      apiVersion: 'v1',
      objectKind,
      namespace,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    if (result.state === 'succeeded') return (result.value as { items: KubeObject[] }).items;
    found.unread.push({ what, message: result.message });
    return [];
  };
  found.quotas = await list('quotas', 'ResourceQuota');
  const hash = stableSet(deployment, sets)?.metadata.labels?.[TEMPLATE_HASH];
  if (hash !== undefined) found.stablePods = await list('pods', 'Pod', `${TEMPLATE_HASH}=${hash}`);
  return found;
}

function splitApi(served: Served): string {
  return `split.smi-spec.io/${served.splits.includes('v1alpha2') ? 'v1alpha2' : 'v1alpha1'}`;
}

async function readServed(run: Run): Promise<Served> {
  const { groups } = await run.call('discover', { kind: 'discover', groups: GROUPS });
  const serves = (group: string, kind: string): string[] =>
    (groups[group] ?? []).filter(({ kinds }) => kinds.includes(kind)).map(({ version }) => version);
  return {
    splits: serves('split.smi-spec.io', 'TrafficSplit').filter((version) => /^v1alpha[12]$/.test(version)),
    routes: serves('gateway.networking.k8s.io', 'HTTPRoute').includes('v1'),
    profiles: serves('linkerd.io', 'ServiceProfile').includes('v1alpha2'),
  };
}

/**
 * What may not be read counts as not there: the rights that the run needs are reviewed by themselves.
 * @throws OperationFault where it could not be read for another reason: a plan must not be made from half a picture.
 */
async function readList(run: Run, what: string, apiVersion: string, objectKind: string): Promise<KubeObject[]> {
  const { namespace } = run.identity;
  const result = await run.attempt(what, { kind: 'list', apiVersion, objectKind, namespace });
  if (result.state === 'succeeded') return (result.value as { items: KubeObject[] }).items;
  if (result.code === 'FORBIDDEN') return [];
  throw new OperationFault(what, result);
}

async function readDeployment(run: Run, name: string): Promise<Deployment | undefined> {
  const { namespace } = run.identity;
  const what = `read Deployment ${name}`;
  const object: ObjectRef = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name };
  const result = await run.attempt(what, { kind: 'get', object });
  if (result.state === 'succeeded') return asDeployment((result.value as { object: KubeObject }).object);
  if (result.code === 'NOT_FOUND' || result.code === 'FORBIDDEN') return undefined;
  throw new OperationFault(what, result);
}

async function dryRunAll(
  run: Run,
  target: ResolvedTarget,
  live: Deployment | undefined,
  autoscalers: KubeObject[],
): Promise<DryRun[]> {
  const results: DryRun[] = [];
  for (const entry of target.objects) {
    const isWorkload = isDeployment(entry.object);
    const object = isWorkload
      ? askedDeployment(
          asDeployment(entry.object),
          live,
          autoscalerOf(autoscalers, entry.object.metadata.name) !== undefined,
        )
      : entry.object;
    results.push(await dryRun(run, { ...entry, object }, isWorkload ? live : undefined));
  }
  return results;
}

/** A dry run that carries a resource version is of an object that is there; it is read, to know what a rollback restores. */
async function dryRun(run: Run, { object, source }: ResolvedObject, live: KubeObject | undefined): Promise<DryRun> {
  const { kind, apiVersion } = object;
  const { name, namespace } = object.metadata;
  const result = await run.attempt(`try ${kind} ${name}`, {
    kind: 'apply',
    objects: [object],
    dryRun: true,
    force: true,
  });
  if (result.state !== 'succeeded') return { apiVersion, kind, name, source, problem: result.message };
  const [after] = (result.value as { objects: KubeObject[] }).objects;
  if (after === undefined) return { apiVersion, kind, name, source, problem: 'the API server returned nothing' };
  const isThere = after.metadata.resourceVersion !== undefined && after.metadata.resourceVersion !== '';
  const ref: ObjectRef = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
  if (live !== undefined) return { apiVersion, kind, name, source, after, before: live };
  if (!isThere) return { apiVersion, kind, name, source, after };
  const read = await run.attempt(`read ${kind} ${name}`, { kind: 'get', object: ref });
  if (read.state === 'succeeded') {
    return { apiVersion, kind, name, source, after, before: (read.value as { object: KubeObject }).object };
  }
  // Taken for new, it would be deleted by a rollback.
  const problem = `it is there and cannot be read, so that a rollback could not restore it: ${read.message}`;
  return { apiVersion, kind, name, source, problem };
}
