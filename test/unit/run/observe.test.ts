import { DEFAULT_GUARD } from '../../../src/orchestrator/file/resolve-guard.ts';
import { describe, expect, it } from 'vitest';
import { OperationFault } from '../../../src/orchestrator/engine/run/fault.ts';
import { observe } from '../../../src/orchestrator/engine/run/observe.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import type { ResolvedTarget } from '../../../src/orchestrator/file/resolved.ts';
import { preflight } from '../../../src/orchestrator/plan/preflight.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';
import type { Operation, OperationResult, OperationSpec, ResultCode } from '../../../src/protocol/operation.ts';
import { identity, runWorld } from '../../support/run-world.ts';

const labels = { app: 'web' };
const workload = (image: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'd1',
    resourceVersion: '5',
    generation: 1,
    annotations: { 'deployment.kubernetes.io/revision': '1' },
  },
  spec: { replicas: 1, selector: {}, template: { metadata: { labels }, spec: { containers: [{ name: 'w', image }] } } },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1 },
});
const settings: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'shop', resourceVersion: '7' },
  data: {},
};
const lists: Record<string, KubeObject[]> = {
  ReplicaSet: [
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'web-old',
        labels: { 'pod-template-hash': 'old' },
        annotations: { 'deployment.kubernetes.io/revision': '1' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd1', controller: true }],
      },
      spec: { selector: {}, template: {} },
    },
  ],
  Service: [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80 }] } },
  ],
  Pod: [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-old-1' }, spec: { containers: [{ name: 'w' }] } }],
};
const target: ResolvedTarget = {
  name: 'staging',
  account: 'east',
  namespace: 'shop',
  dependsOn: [],
  objects: [
    { object: workload('web:2'), source: 'web.yaml#1' },
    { object: settings, source: 'web.yaml#2' },
  ],
  strategy: { name: 's', steps: [{ kind: 'setWeight', weight: 10 }] },
  smi: [{ rootServiceName: 'web', trafficSplitName: 'web' }],
  readyTimeoutMs: 60_000,
  guard: DEFAULT_GUARD,
};

function valueOf(spec: OperationSpec): unknown {
  if (spec.kind === 'discover') {
    return { groups: { 'split.smi-spec.io': [{ version: 'v1alpha2', kinds: ['TrafficSplit'] }] } };
  }
  if (spec.kind === 'reviewAccess') return { denied: [] };
  if (spec.kind === 'list') return { items: lists[spec.objectKind] ?? [] };
  if (spec.kind === 'get') return { object: spec.object.kind === 'Deployment' ? workload('web:1') : settings };
  if (spec.kind === 'apply') return { objects: spec.objects };
  throw new Error(`pre-flight must not ${spec.kind}`);
}

/** A cluster that refuses what it is told to refuse. */
function observing(refuse: (spec: OperationSpec) => ResultCode | undefined = () => undefined) {
  const asked: OperationSpec[] = [];
  const world = runWorld(undefined, ({ id, spec }: Operation): OperationResult => {
    asked.push(spec);
    const code = refuse(spec);
    return code === undefined
      ? { id, state: 'succeeded', code: 'OK', message: '', value: valueOf(spec), atMs: 0 }
      : { id, state: 'failed', code, message: 'it says why', atMs: 0 };
  });
  return { asked, observed: observe(new Run(world.ports, identity), target) };
}

const isList =
  (kind: string, code: ResultCode) =>
  (spec: OperationSpec): ResultCode | undefined =>
    spec.kind === 'list' && spec.objectKind === kind ? code : undefined;

describe('what pre-flight reads', () => {
  it('costs one request for each thing, and of the pods only those of the current revision', async () => {
    const { asked, observed } = observing();
    expect((await observed).stablePods.map(({ metadata }) => metadata.name)).toEqual(['web-old-1']);
    expect(asked.filter(({ kind }) => kind !== 'apply')).toHaveLength(10);
    expect(asked).toContainEqual(
      expect.objectContaining({ kind: 'list', objectKind: 'Pod', labelSelector: 'pod-template-hash=old' }),
    );
  });

  it('changes nothing', async () => {
    const { asked, observed } = observing();
    await observed;
    const writes = asked.filter((spec) => spec.kind === 'apply' && spec.dryRun !== true);
    expect(writes).toEqual([]);
  });
});

describe('what cannot be read', () => {
  it('of quotas and pods is a warning', async () => {
    for (const [kind, word] of [
      ['ResourceQuota', 'whether there is room'],
      ['Pod', 'whether the pods are meshed'],
    ] as const) {
      const { problems, warnings } = preflight(target, await observing(isList(kind, 'FORBIDDEN')).observed);
      expect(problems).toEqual([]);
      expect(warnings.join()).toContain(word);
      expect(warnings.join()).toContain('is not known: it says why');
    }
  });

  it('of what a plan needs ends the run: it must not plan from half a picture', async () => {
    const { observed } = observing(isList('HorizontalPodAutoscaler', 'TOO_LARGE'));
    await expect(observed).rejects.toThrow(OperationFault);
    await expect(observed).rejects.toThrow('list autoscalers failed: it says why (TOO_LARGE)');
  });

  it('of an object that is there is a problem: taken for new, a rollback would delete it', async () => {
    const { observed } = observing((spec) =>
      spec.kind === 'get' && spec.object.kind === 'ConfigMap' ? 'FORBIDDEN' : undefined,
    );
    const { problems } = preflight(target, await observed);
    expect(problems.map(({ code, object }) => [code, object])).toEqual([['OBJECT_REFUSED', 'ConfigMap settings']]);
    expect(problems[0]?.message).toContain('a rollback could not restore it: it says why');
  });
});
