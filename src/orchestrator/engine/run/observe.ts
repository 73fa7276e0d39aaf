/** Reads everything a plan needs from the cluster, before anything is changed. */

import type { KubeObject, ObjectRef } from '../../../protocol/kube-object.ts';
import type { ResolvedObject, ResolvedTarget } from '../../file/resolved.ts';
import { autoscalerOf, type DryRun, type Observed, type Served } from '../../plan/observed.ts';
import { askedDeployment } from '../../plan/rollout-plan.ts';
import { neededAccess } from '../../plan/preflight.ts';
import { asDeployment, asReplicaSet, asService, isDeployment, type Deployment } from '../../plan/workload.ts';
import type { Run } from './run.ts';

const GROUPS = ['split.smi-spec.io', 'gateway.networking.k8s.io', 'linkerd.io'];

export async function observe(run: Run, target: ResolvedTarget): Promise<Observed> {
  const { namespace } = run.identity;
  const served = await readServed(run);
  const rules = neededAccess(target.smi.length > 0 && served.splits.length > 0);
  const { denied } = await run.call('review access', { kind: 'reviewAccess', namespace, rules });
  const list = (what: string, apiVersion: string, objectKind: string): Promise<KubeObject[]> =>
    readList(run, what, apiVersion, objectKind);
  const autoscalers = await list('list autoscalers', 'autoscaling/v2', 'HorizontalPodAutoscaler');
  const wanted = target.objects.find(({ object }) => isDeployment(object))?.object;
  const deployment = wanted === undefined ? undefined : await readDeployment(run, wanted.metadata.name);
  return {
    served,
    denied,
    ...(deployment === undefined ? {} : { deployment }),
    replicaSets: (await list('list ReplicaSets', 'apps/v1', 'ReplicaSet')).map(asReplicaSet),
    services: (await list('list Services', 'v1', 'Service')).map(asService),
    splits: served.splits.length === 0 ? [] : await list('list TrafficSplits', splitApi(served), 'TrafficSplit'),
    routes: served.routes ? await list('list HTTPRoutes', 'gateway.networking.k8s.io/v1', 'HTTPRoute') : [],
    profiles: served.profiles ? await list('list ServiceProfiles', 'linkerd.io/v1alpha2', 'ServiceProfile') : [],
    autoscalers,
    quotas: await list('list quotas', 'v1', 'ResourceQuota'),
    dryRuns: await dryRunAll(run, target, deployment, autoscalers),
  };
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

/** What may not be read counts as not there: rights that the run needs are reviewed by themselves. */
async function readList(run: Run, what: string, apiVersion: string, objectKind: string): Promise<KubeObject[]> {
  const { namespace } = run.identity;
  const result = await run.attempt(what, { kind: 'list', apiVersion, objectKind, namespace });
  return result.state === 'succeeded' ? (result.value as { items: KubeObject[] }).items : [];
}

async function readObject(run: Run, what: string, object: ObjectRef): Promise<KubeObject | undefined> {
  const result = await run.attempt(what, { kind: 'get', object });
  return result.state === 'succeeded' ? (result.value as { object: KubeObject }).object : undefined;
}

async function readDeployment(run: Run, name: string): Promise<Deployment | undefined> {
  const { namespace } = run.identity;
  const found = await readObject(run, `read Deployment ${name}`, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace,
    name,
  });
  return found === undefined ? undefined : asDeployment(found);
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
  if (result.state !== 'succeeded') return { kind, name, source, problem: result.message };
  const [after] = (result.value as { objects: KubeObject[] }).objects;
  if (after === undefined) return { kind, name, source, problem: 'the API server returned nothing' };
  const isThere = after.metadata.resourceVersion !== undefined && after.metadata.resourceVersion !== '';
  const ref: ObjectRef = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
  const before = live ?? (isThere ? await readObject(run, `read ${kind} ${name}`, ref) : undefined);
  return { kind, name, source, after, ...(before === undefined ? {} : { before }) };
}
