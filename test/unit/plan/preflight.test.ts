import { DEFAULT_GUARD } from '../../../src/orchestrator/file/resolve-guard.ts';
import { describe, expect, it } from 'vitest';
import type { ResolvedTarget } from '../../../src/orchestrator/file/resolved.ts';
import type { DryRun, Observed } from '../../../src/orchestrator/plan/observed.ts';
import { preflight } from '../../../src/orchestrator/plan/preflight.ts';
import { planRollout } from '../../../src/orchestrator/plan/rollout-plan.ts';
import {
  asDeployment,
  type Deployment,
  type ReplicaSet,
  type Service,
} from '../../../src/orchestrator/plan/workload.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

function deployment(image: string, more: Partial<Deployment['metadata']> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'd1',
      resourceVersion: '5',
      generation: 2,
      annotations: { 'deployment.kubernetes.io/revision': '1' },
      ...more,
    },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
    },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
  };
}

function service(name: string, more: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', resourceVersion: '1' },
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

const { uid: _uid, resourceVersion: _version, ...written } = deployment('web:2').metadata;
const target: ResolvedTarget = {
  name: 'staging',
  account: 'east',
  namespace: 'shop',
  dependsOn: [],
  objects: [{ object: { ...deployment('web:2'), metadata: written }, source: 'web.yaml#1' }],
  strategy: { name: 'rolling', steps: [{ kind: 'setWeight', weight: 10 }] },
  smi: [{ rootServiceName: 'web', trafficSplitName: 'web' }],
  readyTimeoutMs: 60_000,
  guard: DEFAULT_GUARD,
};

function pod(name: string, containers: string[], unready: string[] = []): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: containers.map((container) => ({ name: container })) },
    status: {
      containerStatuses: containers.map((container) => ({ name: container, ready: !unready.includes(container) })),
    },
  };
}

const observed: Observed = {
  served: { splits: ['v1alpha1', 'v1alpha2'], routes: true, profiles: true },
  denied: [],
  deployment: deployment('web:1'),
  replicaSets: [stable],
  services: [service('web')],
  splits: [],
  routes: [],
  profiles: [],
  autoscalers: [],
  quotas: [],
  stablePods: [pod('web-old-1', ['web', 'linkerd-proxy'])],
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

function codes(more: Partial<Observed>, of: ResolvedTarget = target): string[] {
  return preflight(of, { ...observed, ...more }).problems.map(({ code }) => code);
}

function split(name: string, root: string): KubeObject {
  return {
    apiVersion: 'split.smi-spec.io/v1alpha2',
    kind: 'TrafficSplit',
    metadata: { name },
    spec: { service: root },
  };
}

describe('pre-flight', () => {
  it('finds nothing wrong with a healthy application', () => {
    expect(preflight(target, observed)).toEqual({ problems: [], warnings: [] });
  });

  it.each<[string, Partial<Observed>, string]>([
    ['a missing root', { services: [] }, 'ROOT_SERVICE_MISSING'],
    ['a headless root', { services: [service('web', { clusterIP: 'None' })] }, 'ROOT_SERVICE_HEADLESS'],
    ['an ExternalName root', { services: [service('web', { type: 'ExternalName' })] }, 'ROOT_SERVICE_EXTERNAL'],
    [
      'a selector that matches no pod',
      { services: [service('web', { selector: { app: 'x' } })] },
      'ROOT_SELECTOR_MISSES',
    ],
    ['a root without selector', { services: [service('web', { selector: {} })] }, 'ROOT_SELECTOR_MISSES'],
    ["somebody's split on the root", { splits: [split('theirs', 'web')] }, 'SPLIT_ON_ROOT'],
    ["somebody's split under our name", { splits: [split('web', 'other')] }, 'SPLIT_NAME_TAKEN'],
    ['no TrafficSplit served', { served: { splits: [], routes: true, profiles: true } }, 'SPLIT_NOT_SERVED'],
    ['a Service under a backend name', { services: [service('web'), service('web-stable')] }, 'BACKEND_NAME_TAKEN'],
    ['a missing right', { denied: [{ group: 'apps', resource: 'replicasets', verb: 'create' }] }, 'ACCESS_DENIED'],
    [
      'an object the API server refuses',
      { dryRuns: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', source: 'w', problem: 'no' }] },
      'OBJECT_REFUSED',
    ],
    [
      'a paused Deployment',
      { deployment: { ...deployment('web:1'), spec: { ...deployment('web:1').spec, paused: true } } },
      'DEPLOYMENT_PAUSED',
    ],
    [
      'a Deployment that still rolls',
      { deployment: { ...deployment('web:1'), status: { observedGeneration: 2, replicas: 3, updatedReplicas: 1 } } },
      'DEPLOYMENT_UNSETTLED',
    ],
    [
      'leftovers of another rollout',
      { deployment: deployment('web:1', { annotations: { 'sluice.dev/restore': '{}' } }) },
      'LEFTOVER',
    ],
    [
      'a quota without room',
      {
        quotas: [
          {
            apiVersion: 'v1',
            kind: 'ResourceQuota',
            metadata: { name: 'q' },
            status: { hard: { pods: '3' }, used: { pods: '2' } },
          },
        ],
      },
      'QUOTA',
    ],
    [
      'overrides of nobody',
      {
        profiles: [
          {
            apiVersion: 'linkerd.io/v1alpha2',
            kind: 'ServiceProfile',
            metadata: { name: 'web.shop.svc.cluster.local' },
            spec: { dstOverrides: [{}] },
          },
        ],
      },
      'PROFILE_OVERRIDES',
    ],
  ])('refuses %s', (_name, more, code) => {
    expect(codes(more)).toContain(code);
  });

  it('tells every problem at once', () => {
    expect(
      codes({
        services: [],
        denied: [{ group: '', resource: 'pods', verb: 'list' }],
        splits: [split('theirs', 'web')],
      }),
    ).toEqual(['ACCESS_DENIED', 'ROOT_SERVICE_MISSING', 'SPLIT_ON_ROOT']);
  });

  it('needs the Service that canaryServiceName names, with the ports of the root', () => {
    const given = { ...target, smi: [{ ...target.smi[0]!, canaryServiceName: 'web-next' }] };
    expect(codes({}, given)).toEqual(['CANARY_SERVICE_MISSING']);
    const next = service('web-next', { ports: [{ port: 81 }] });
    expect(codes({ services: [service('web'), next] }, given)).toEqual(['CANARY_SERVICE_PORTS']);
  });

  it('warns that busy clients will not follow where HTTPRoute is not served', () => {
    const { warnings } = preflight(target, { ...observed, served: { ...observed.served, routes: false } });
    expect(warnings.join()).toContain('will not follow the split until they idle or restart');
  });
});

it('judges room and proxies for a canary only, and says what could not be read', () => {
  const full: KubeObject = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q' },
    status: { hard: { pods: '2' }, used: { pods: '2' } },
  };
  const bare = [pod('web-old-1', ['web'])];
  const unread: Observed['unread'] = [{ what: 'quotas', message: 'forbidden' }];
  expect(codes({ quotas: [full] })).toEqual(['QUOTA']);
  expect(preflight(target, { ...observed, stablePods: bare }).warnings.join()).toContain('is not meshed');
  expect(preflight(target, { ...observed, unread }).warnings).toEqual([
    "whether there is room for the canary's pods is not known: forbidden",
  ]);
  const same = [{ ...observed.dryRuns[0]!, after: deployment('web:1') }];
  const unchanged = preflight(target, { ...observed, quotas: [full], stablePods: bare, unread, dryRuns: same });
  expect(unchanged).toEqual({ problems: [], warnings: [] });
});

it('warns of another Service that picks the same pods', () => {
  const { warnings } = preflight(target, { ...observed, services: [service('web'), service('metrics')] });
  expect(warnings.join()).toContain('Service metrics picks the same pods and is not split');
});

describe('the plan', () => {
  it('is a canary when the template differs', () => {
    const plan = planRollout(target, observed, 'dep_1:staging');
    expect(plan).toMatchObject({
      kind: 'canary',
      stableHash: 'old',
      canaryReplicas: 2,
      liveReplicas: 2,
      hadProfile: false,
    });
    expect(plan.kind === 'canary' && plan.names).toMatchObject({
      stable: 'web-stable',
      canary: 'web-canary',
      split: 'web',
      splitVersion: 'v1alpha2',
      companions: [{ name: 'web-sluice', port: 80 }],
      profile: 'web.shop.svc.cluster.local',
    });
  });

  it('applies without a canary when the pods stay as they are, and only what differs', () => {
    const same = { ...observed.dryRuns[0]!, after: deployment('web:1') };
    expect(planRollout(target, { ...observed, dryRuns: [same] }, 'r')).toMatchObject({
      kind: 'unchanged',
      changes: { objects: [], undo: [] },
    });
  });

  it('takes kinds of one name in two API groups for two kinds', () => {
    const foreign = { apiVersion: 'serving.example.dev/v1', kind: 'Deployment', metadata: { name: 'web' } };
    const objects = [...target.objects, { object: foreign, source: 'web.yaml#2' }];
    const other: DryRun = { ...foreign, name: 'web', source: 'web.yaml#2', before: foreign, after: foreign };
    const { deployment: _live, ...none } = observed;
    const own: DryRun = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      source: 'web.yaml#1',
      after: deployment('web:2'),
    };
    const plan = planRollout({ ...target, objects }, { ...none, dryRuns: [other, own] }, 'r');
    // The other one is as it was; ours is new.
    expect(plan.kind === 'first' && plan.changes.objects.map(({ apiVersion }) => apiVersion)).toEqual(['apps/v1']);
  });

  it('is a first deployment where there is no Deployment, undone by deleting what was created', () => {
    const { deployment: _live, ...none } = observed;
    const run = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      source: 'web.yaml#1',
      after: deployment('web:2'),
    };
    const plan = planRollout(target, { ...none, dryRuns: [run] }, 'r');
    expect(plan.kind).toBe('first');
    expect(plan.kind === 'first' && plan.changes.undo.map(({ kind }) => kind)).toEqual(['delete']);
  });

  it("keeps an autoscaler's size, and never lets a left-out size fall to one pod", () => {
    const autoscaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web' },
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' } },
    };
    const live = { ...deployment('web:1'), spec: { ...deployment('web:1').spec, replicas: 7 } };
    const plan = planRollout(target, { ...observed, deployment: live, autoscalers: [autoscaler] }, 'r');
    expect(plan.kind === 'canary' && [plan.canaryReplicas, plan.asked.spec.replicas]).toEqual([7, 7]);
    const { replicas: _replicas, ...spec } = deployment('web:2').spec;
    const silent = { ...target, objects: [{ object: asDeployment({ ...deployment('web:2'), spec }), source: 'w' }] };
    const kept = planRollout(silent, { ...observed, deployment: live }, 'r');
    expect(kept.kind === 'canary' && [kept.canaryReplicas, kept.asked.spec.replicas]).toEqual([7, 7]);
  });

  it('lets the Deployment roll by itself where there is no pod, or nothing to shift traffic by', () => {
    const empty = { ...deployment('web:1'), spec: { ...deployment('web:1').spec, replicas: 0 } };
    expect(planRollout(target, { ...observed, deployment: empty }, 'r').kind).toBe('rolling');
    expect(planRollout({ ...target, smi: [] }, observed, 'r').kind).toBe('rolling');
  });

  it('takes no companion route where the root has one of somebody else', () => {
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'theirs' },
      spec: { parentRefs: [{ kind: 'Service', name: 'web' }] },
    };
    const plan = planRollout(target, { ...observed, routes: [route] }, 'r');
    expect(plan.kind === 'canary' && plan.names.companions).toEqual([]);
  });
});
