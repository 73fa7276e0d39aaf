import { DEFAULT_GUARD } from '../../../src/orchestrator/file/resolve-guard.ts';
import { describe, expect, it } from 'vitest';
import { newCanaryState } from '../../../src/orchestrator/engine/run/canary-state.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';
import type { ResolvedTarget } from '../../../src/orchestrator/file/resolved.ts';
import type { Observed } from '../../../src/orchestrator/plan/observed.ts';
import { preflight } from '../../../src/orchestrator/plan/preflight.ts';
import { retainedObjects, retainedOf } from '../../../src/orchestrator/plan/retain.ts';
import { planRollout, type CanaryPlan } from '../../../src/orchestrator/plan/rollout-plan.ts';
import type { Deployment, ReplicaSet, Service } from '../../../src/orchestrator/plan/workload.ts';
import { asService } from '../../../src/orchestrator/plan/workload.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';
import { runWorld } from '../../support/run-world.ts';

function deployment(image: string): Deployment {
  const annotations = { 'deployment.kubernetes.io/revision': '1' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd1', resourceVersion: '5', generation: 2, annotations },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
    },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
  };
}

function root(more: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', resourceVersion: '1' },
    spec: { clusterIP: '10.96.0.9', selector: { app: 'web' }, ports: [{ port: 80 }], ...more },
  };
}

const stable: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name: 'web-old',
    labels: { 'pod-template-hash': 'old' },
    annotations: { 'deployment.kubernetes.io/revision': '1' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd1', controller: true }],
  },
  spec: { replicas: 2, selector: {}, template: deployment('web:1').spec.template },
};

const smi = { rootServiceName: 'web', trafficSplitName: 'web', retain: true };
const target: ResolvedTarget = {
  name: 'staging',
  account: 'east',
  namespace: 'shop',
  dependsOn: [],
  objects: [{ object: deployment('web:2'), source: 'web.yaml#1' }],
  strategy: { name: 'rolling', steps: [{ kind: 'setWeight', weight: 10 }] },
  smi: [smi],
  readyTimeoutMs: 60_000,
  guard: DEFAULT_GUARD,
};
const profile: KubeObject = {
  apiVersion: 'linkerd.io/v1alpha2',
  kind: 'ServiceProfile',
  metadata: { name: 'web.shop.svc.cluster.local' },
  spec: { dstOverrides: [{ authority: 'web-stable.shop.svc.cluster.local', weight: '10k' }] },
};
const first: Observed = {
  served: { splits: ['v1alpha2'], routes: false, profiles: true },
  denied: [],
  deployment: deployment('web:1'),
  replicaSets: [stable],
  services: [root()],
  splits: [],
  routes: [],
  profiles: [],
  autoscalers: [],
  quotas: [],
  stablePods: [],
  unread: [],
  dryRuns: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      source: 'web.yaml#1',
      before: deployment('web:1'),
      after: deployment('web:2'),
    },
  ],
};

function canary(of: ResolvedTarget, observed: Observed, rolloutId = 'dep_1:staging'): CanaryPlan {
  const plan = planRollout(of, observed, rolloutId);
  if (plan.kind !== 'canary') throw new Error(`planned ${plan.kind}`);
  return plan;
}

/** What a first run leaves, as the second one reads it. */
const left = retainedObjects(canary(target, first).names, root(), true);
const second: Observed = {
  ...first,
  services: [root(), ...left.filter(({ kind }) => kind === 'Service').map(asService)],
  splits: left.filter(({ kind }) => kind === 'TrafficSplit'),
  profiles: [profile],
};

describe('what is kept', () => {
  it('is the split with all at the stable, whose backend picks what the root picks; the canary backend picks nobody', () => {
    expect(left.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Service web-stable',
      'Service web-canary',
      'TrafficSplit web',
    ]);
    expect(left.map(({ spec }) => spec)).toMatchObject([
      { selector: { app: 'web' } },
      { selector: { app: 'web', 'pod-template-hash': 'none' } },
      { backends: [{ weight: 10_000 }, { weight: 0 }] },
    ]);
    expect(left[0]).toHaveProperty('spec.selector', { app: 'web' });
  });

  it('leaves the canary Service of the user alone', () => {
    const given = { ...canary(target, first).names, canary: 'mine', ownsCanary: false };
    expect(retainedObjects(given, root(), false).map(({ metadata }) => metadata.name)).toEqual(['web-stable', 'web']);
  });
});

describe('the next run', () => {
  it('takes them for its own: no problem, no warning', () => {
    expect(preflight(target, second)).toEqual({ problems: [], warnings: [] });
  });

  it('makes no second split where the file names another, and says which one it uses', () => {
    const renamed = { ...target, smi: [{ ...smi, trafficSplitName: 'other' }] };
    expect(canary(renamed, second).names.split).toBe('web');
    expect(preflight(renamed, second).warnings.join()).toContain('TrafficSplit web, kept by an earlier run, is used');
  });

  it('still refuses the split and backends of a run that is under way, and of somebody else', () => {
    const bare = (object: KubeObject): KubeObject => {
      const { 'sluice.dev/retained': _retained, ...labels } = object.metadata.labels ?? {};
      return { ...object, metadata: { ...object.metadata, labels } };
    };
    const running = { ...second, splits: second.splits.map(bare), services: second.services.map(bare).map(asService) };
    expect(preflight(target, running).problems.map(({ code }) => code)).toEqual([
      'SPLIT_ON_ROOT',
      'BACKEND_NAME_TAKEN',
      'BACKEND_NAME_TAKEN',
      'PROFILE_OVERRIDES',
    ]);
    const theirs = { ...second.splits[0]!, metadata: { name: 'theirs' } };
    const both = { ...second, splits: [...second.splits, theirs] };
    expect(preflight(target, both).problems.map(({ code }) => code)).toEqual(['SPLIT_ON_ROOT']);
  });

  it('owes them an end however it goes: they count as made before it made anything', () => {
    const run = (plan: CanaryPlan) => {
      const identity = { deploymentId: 'd', application: 'a', target: 't', account: 'x', namespace: 'shop' };
      return newCanaryState(new Run(runWorld().ports, { ...identity, rolloutId: 'r', startedMs: 0 }), plan);
    };
    const plan = canary({ ...target, smi: [{ ...smi, retain: false }] }, second);
    expect(plan).toMatchObject({ retain: false, isRetained: true });
    expect(run(plan)).toMatchObject({ backendsMade: true, splitMade: true, profileFollows: true });
    expect(run(canary(target, first))).toMatchObject({ backendsMade: false, splitMade: false, profileFollows: false });
  });

  it('removes the ServiceProfile that came of an earlier run, and never one that was there before all runs', () => {
    expect(canary(target, second).hadProfile).toBe(false);
    const names = canary(target, first).names;
    const splits = retainedObjects(names, root(), false).filter(({ kind }) => kind === 'TrafficSplit');
    expect(canary(target, { ...second, splits }).hadProfile).toBe(true);
  });

  it('takes away the kept canary backend where it is given another', () => {
    const given = { ...target, smi: [{ ...smi, canaryServiceName: 'mine' }] };
    const mine = { ...root(), metadata: { name: 'mine' } };
    const plan = canary(given, { ...second, services: [...second.services, mine] });
    expect(plan.superseded).toBe('web-canary');
    expect(canary(target, second).superseded).toBeUndefined();
  });
});

describe('a run without a canary', () => {
  const same = { ...first.dryRuns[0]!, after: deployment('web:1') };

  it('leaves kept backends alone', () => {
    const plan = planRollout(target, { ...second, dryRuns: [same] }, 'r');
    expect(plan).toMatchObject({ kind: 'unchanged', changes: { objects: [], undo: [] } });
  });

  it('tells them of new ports or another selector of the root, and takes it back in a rollback', () => {
    const wider = root({ selector: { app: 'web', tier: 'front' }, ports: [{ port: 80 }, { port: 81, name: 'new' }] });
    const changed = {
      apiVersion: 'v1',
      kind: 'Service',
      name: 'web',
      source: 'web.yaml#2',
      before: root(),
      after: wider,
    };
    const plan = planRollout(target, { ...second, dryRuns: [same, changed] }, 'r');
    if (plan.kind === 'canary') throw new Error('planned a canary');
    expect(plan.changes.objects.map(({ metadata, spec }) => ({ name: metadata.name, spec }))).toEqual([
      { name: 'web-stable', spec: { ports: wider.spec.ports, selector: { app: 'web', tier: 'front' } } },
      {
        name: 'web-canary',
        spec: { ports: wider.spec.ports, selector: { app: 'web', tier: 'front', 'pod-template-hash': 'none' } },
      },
    ]);
    expect(plan.changes.undo[0]).toMatchObject({
      patch: { spec: { ports: [{ port: 80 }], selector: { app: 'web', tier: null } } },
    });
  });
});

describe('without HTTPRoute', () => {
  it('a run says that busy clients get nothing, and that retain: true is the way out', () => {
    const { warnings } = preflight({ ...target, smi: [{ ...smi, retain: false }] }, first);
    expect(warnings.join()).toContain('set retain: true beside rootServiceName: web');
    expect(preflight(target, first).warnings.join()).toContain('this run keeps its split (retain: true)');
  });
});

it('the deployment file has retain beside rootServiceName', () => {
  const manifest = JSON.stringify(deployment('web:1'));
  const text = `
version: v1
application: shop
targets: { staging: { account: east, namespace: shop, strategy: s } }
manifests: [{ inline: '${manifest}' }]
strategies: { s: { canary: { steps: [{ setWeight: { weight: 10 } }] } } }
trafficManagement: [{ smi: [{ rootServiceName: web, retain: RETAIN }] }]
`;
  const read = readDeploymentFile(text.replace('RETAIN', 'true'), 'deploy.yaml', {});
  expect(read.ok && read.file.targets[0]?.smi).toEqual([smi]);
  expect(readDeploymentFile(text.replace('RETAIN', 'maybe'), 'deploy.yaml', {}).ok).toBe(false);
});

it('an object that only looks like one is not taken: another root, another role', () => {
  expect(retainedOf('other', second)).toBeUndefined();
  const [wrong] = second.services.slice(1);
  const renamed = { ...wrong!, metadata: { ...wrong!.metadata, name: 'web-canary' } };
  expect(retainedOf('web', { splits: [], services: [renamed] })).toBeUndefined();
});
