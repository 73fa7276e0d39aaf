/** A canary under way on a bare API server, with the statuses that controllers and kubelet would write: what a guard watches. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { GuardSpec } from '../../src/protocol/operation.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { openKube } from './kube.ts';
import type { Kube } from './kube.ts';
import { splitOf } from './objects.ts';

const CANARY_HASH = 'canaryhash';

const MERGE = 'application/merge-patch+json';

export interface GuardedShop extends Disposable {
  namespace: string;
  kube: Kube;
  splitPath: string;
  routePath: string;
  /** Of the guard as an orchestrator would order it. */
  guard(more?: Partial<GuardSpec>): GuardSpec;
  /** Writes the weights as an orchestrator of before would. */
  shift(canary: number): Promise<void>;
  /** One container of a canary pod ends with code 1. Resolves when the API server has it. */
  crash(pod?: string): Promise<void>;
  /** All canary pods run and are ready, after so many restarts. */
  well(restarts?: number): Promise<void>;
  /** Which pods of a Service are ready, by name; `[]` for none. */
  ready(service: 'web-stable' | 'web-canary', pods: string[]): Promise<void>;
  /** Canary's share in the split and in the route, and what the guard's mark says. */
  look(): Promise<ShopView>;
  /** Waits until the split satisfies. */
  until(what: string, found: (view: ShopView) => boolean, timeoutMs?: number): Promise<ShopView>;
}

interface ShopView {
  split: number;
  route: number;
  label: string | undefined;
  state: string | undefined;
  reason: string | undefined;
  finished: boolean;
}

/** Needs the kinds of `installCrds`. Two stable pods and two canary pods, all ready; the canary has 25 of 100. */
export async function guardedShop(plane: ControlPlane, namespace: string): Promise<GuardedShop> {
  await plane.token(namespace, 'somebody');
  const kube = await openKube(plane.kubeconfig);
  const core = `/api/v1/namespaces/${namespace}`;
  const splits = `/apis/split.smi-spec.io/v1alpha2/namespaces/${namespace}/trafficsplits`;
  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const splitPath = `${splits}/web`;
  const routePath = `${routes}/web`;
  const write = async (method: string, path: string, body: unknown, type?: string): Promise<KubeObject> => {
    const answer = await kube.call(method, path, body, type);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as KubeObject;
  };

  const uids = new Map<string, string>();
  const pods = [
    { name: 'stable-1', hash: 'stablehash' },
    { name: 'stable-2', hash: 'stablehash' },
    { name: 'canary-1', hash: CANARY_HASH },
    { name: 'canary-2', hash: CANARY_HASH },
  ];
  for (const { name, hash } of pods) {
    const made = await write('POST', `${core}/pods`, podOf(name, hash));
    uids.set(name, made.metadata.uid ?? '');
    await write('PATCH', `${core}/pods/${name}/status`, { status: runningStatus(0) }, MERGE);
  }
  for (const service of ['web', 'web-stable', 'web-canary'])
    await write('POST', `${core}/services`, serviceOf(service));
  for (const service of ['web-stable', 'web-canary']) await write('POST', slices, sliceOf(service));
  await write('POST', splits, splitOf('web', 75, 25));
  await write('POST', routes, routeOf(75, 25));

  const ready: GuardedShop['ready'] = async (service, names) => {
    const endpoints = names.map((name, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name, uid: uids.get(name) },
    }));
    await write('PATCH', `${slices}/${service}`, { endpoints }, MERGE);
  };
  await ready('web-stable', ['stable-1', 'stable-2']);
  await ready('web-canary', ['canary-1', 'canary-2']);

  const look = async (): Promise<ShopView> => {
    const [split, route] = await Promise.all([kube.get(splitPath), kube.get(routePath)]);
    return viewOf(split, route);
  };
  return {
    namespace,
    kube,
    splitPath,
    routePath,
    guard: (more = {}) => ({ ...guardOf(namespace), ...more }),
    shift: async (canary) => {
      // The split last: a guard looks at it, and may answer at once.
      await write('PATCH', routePath, { spec: { rules: rulesOf(100 - canary, canary) } }, MERGE);
      await write('PATCH', splitPath, { spec: splitOf('web', 100 - canary, canary)['spec'] }, MERGE);
    },
    crash: async (pod = 'canary-1') => {
      await write('PATCH', `${core}/pods/${pod}/status`, { status: crashedStatus }, MERGE);
    },
    well: async (restarts = 0) => {
      for (const pod of ['canary-1', 'canary-2']) {
        await write('PATCH', `${core}/pods/${pod}/status`, { status: runningStatus(restarts) }, MERGE);
      }
    },
    ready,
    look,
    until: async (what, found, timeoutMs = 10_000) => {
      const endMs = Date.now() + timeoutMs;
      for (;;) {
        const view = await look();
        if (found(view)) return view;
        if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}; last ${JSON.stringify(view)}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    [Symbol.dispose]: () => kube[Symbol.dispose](),
  };
}

function guardOf(namespace: string): GuardSpec {
  const split = { apiVersion: 'split.smi-spec.io/v1alpha2', kind: 'TrafficSplit', namespace, name: 'web' };
  const route = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace, name: 'web' };
  const { backends } = splitOf('web', 100, 0)['spec'] as { backends: unknown };
  return {
    kind: 'guard',
    holder: split,
    writes: [
      { object: split, body: { spec: { backends } } },
      { object: route, body: { spec: { rules: rulesOf(100, 0) } } },
    ],
    rootService: 'web',
    stableService: 'web-stable',
    canaryService: 'web-canary',
    canaryHash: CANARY_HASH,
    minReady: 1,
    rollout: 'rollout-1',
  };
}

function viewOf(split: KubeObject | undefined, route: KubeObject | undefined): ShopView {
  const backends = (split?.['spec'] as { backends: { weight: number }[] } | undefined)?.backends;
  const rules = (route?.['spec'] as { rules: { backendRefs: { weight: number }[] }[] } | undefined)?.rules;
  const mark = split?.metadata.annotations?.['sluice.dev/guard'];
  let record: { state?: string; reason?: string; finished?: boolean } = {};
  try {
    if (mark !== undefined) record = JSON.parse(mark) as typeof record;
  } catch {
    // A test may have made it unreadable.
  }
  return {
    split: backends?.[1]?.weight ?? -1,
    route: rules?.[0]?.backendRefs[1]?.weight ?? -1,
    label: split?.metadata.labels?.['sluice.dev/guard'],
    state: record.state,
    reason: record.reason,
    finished: record.finished ?? false,
  };
}

function rulesOf(stable: number, canary: number): unknown[] {
  const backend = (name: string, weight: number): unknown => ({ kind: 'Service', name, port: 80, weight });
  return [{ backendRefs: [backend('web-stable', stable), backend('web-canary', canary)] }];
}

function routeOf(stable: number, canary: number): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'web' },
    spec: {
      parentRefs: [{ group: 'core', kind: 'Service', name: 'web', port: 80 }],
      rules: rulesOf(stable, canary),
    },
  };
}

function podOf(name: string, hash: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web', 'pod-template-hash': hash } },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
  };
}

function serviceOf(name: string): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }] } };
}

function sliceOf(service: string): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [],
    ports: [],
  };
}

function runningStatus(restartCount: number): object {
  return {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [
      {
        name: 'app',
        image: 'app:1',
        imageID: '',
        ready: true,
        restartCount,
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      },
    ],
  };
}

const crashedStatus = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'False' }],
  containerStatuses: [
    {
      name: 'app',
      image: 'app:1',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: {
        terminated: {
          exitCode: 1,
          reason: 'Error',
          startedAt: '2026-01-01T00:00:00Z',
          finishedAt: '2026-01-01T00:00:01Z',
        },
      },
    },
  ],
};
