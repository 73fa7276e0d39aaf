/** The test mesh's control plane against a real API server: it must do what linkerd-smi and the policy controller do. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../cluster/api.ts';
import type { ApiResponse } from '../cluster/api.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import { startMeshController } from '../cluster/mesh/controller-process.ts';
import { installCrds } from '../cluster/mesh/install-crds.ts';

const fixtures = join(import.meta.dirname, '../../../shared/fixtures/crds');

interface Profile {
  metadata: { name: string; annotations?: Record<string, string> };
  spec?: { dstOverrides?: { authority: string; weight: string }[]; routes?: unknown[] };
}

let plane: ControlPlane;
let controller: AsyncDisposable;
let count = 0;

beforeAll(async () => {
  plane = await startControlPlane();
  await installCrds(plane.api);
  controller = await startMeshController(plane.kubeconfig, { adaptorQps: -1, observedGeneration: true });
});

afterAll(async () => {
  await controller?.[Symbol.asyncDispose]();
  await plane?.stop();
});

async function call(method: string, path: string, body?: unknown): Promise<ApiResponse> {
  const answer = await plane.api.call(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer;
}

/** A namespace of its own for each test. */
async function namespace(): Promise<string> {
  const name = `mesh-${++count}`;
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

const splits = (ns: string, version = 'v1alpha2'): string =>
  `/apis/split.smi-spec.io/${version}/namespaces/${ns}/trafficsplits`;
const routes = (ns: string): string => `/apis/gateway.networking.k8s.io/v1/namespaces/${ns}/httproutes`;
const profilePath = (ns: string, root = 'web'): string =>
  `/apis/linkerd.io/v1alpha2/namespaces/${ns}/serviceprofiles/${root}.${ns}.svc.cluster.local`;

function split(weights: unknown[], { name = 'web', version = 'v1alpha2', root = 'web' } = {}): unknown {
  const backends = weights.map((weight, at) => ({ service: ['web-stable', 'web-canary'][at], weight }));
  return {
    apiVersion: `split.smi-spec.io/${version}`,
    kind: 'TrafficSplit',
    metadata: { name },
    spec: { service: root, backends },
  };
}

async function profile(ns: string): Promise<Profile | undefined> {
  const { status, body } = await plane.api.call('GET', profilePath(ns));
  return status === 200 ? (body as Profile) : undefined;
}

/** The weights in the ServiceProfile; undefined if there are none, "no profile" if there is no object. */
async function overrides(ns: string): Promise<string[] | string | undefined> {
  const found = await profile(ns);
  return found === undefined ? 'no profile' : found.spec?.dstOverrides?.map(({ weight }) => weight);
}

const soon = { timeout: 10_000, interval: 20 };

async function put(path: string, change: (object: Record<string, unknown>) => void): Promise<void> {
  const object = (await call('GET', path)).body as Record<string, unknown>;
  change(object);
  await call('PUT', path, object);
}

async function setWeights(ns: string, weights: number[], name = 'web'): Promise<void> {
  await put(`${splits(ns)}/${name}`, (object) => {
    object['spec'] = (split(weights, { name }) as { spec: unknown }).spec;
  });
}

async function service(ns: string, name: string, clusterIP?: string): Promise<void> {
  const spec = { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) };
  await call('POST', `/api/v1/namespaces/${ns}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec,
  });
}

describe('the adaptor', () => {
  it('writes a ServiceProfile with full names and canonical quantities, and follows each change', async () => {
    const ns = await namespace();
    await call('POST', splits(ns), split([10_000, 0]));
    await expect.poll(() => overrides(ns), soon).toEqual(['10k', '0']);
    expect((await profile(ns))?.spec?.dstOverrides?.[0]?.authority).toBe(`web-stable.${ns}.svc.cluster.local`);
    await setWeights(ns, [9999, 1]);
    await expect.poll(() => overrides(ns), soon).toEqual(['9999', '1']);
    // It tells of a write after it is done.
    const reasons = async (): Promise<string[]> => {
      const { body } = await call('GET', `/api/v1/namespaces/${ns}/events`);
      return (body as { items: { reason: string }[] }).items.map(({ reason }) => reason);
    };
    await expect.poll(reasons, soon).toEqual(expect.arrayContaining(['Created', 'Updated']));
  });

  it('keeps routes, empties the overrides when the split is deleted, and leaves the object', async () => {
    const ns = await namespace();
    const routes = [{ name: 'r', condition: { method: 'GET' } }];
    const name = `web.${ns}.svc.cluster.local`;
    const path = profilePath(ns).replace(/\/[^/]+$/, '');
    await call('POST', path, {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      metadata: { name },
      spec: { routes },
    });
    await call('POST', splits(ns), split([1, 1]));
    await expect.poll(() => overrides(ns), soon).toEqual(['1', '1']);
    await call('DELETE', `${splits(ns)}/web`);
    await expect.poll(() => overrides(ns), soon).toBeUndefined();
    expect((await profile(ns))?.spec?.routes).toEqual(routes);
  });

  it('lets the last writer win on one root, and its deletion empty what the first still says', async () => {
    const ns = await namespace();
    await call('POST', splits(ns), split([100, 0], { name: 'first' }));
    await expect.poll(() => overrides(ns), soon).toEqual(['100', '0']);
    await call('POST', splits(ns), split([60, 40], { name: 'second' }));
    await expect.poll(() => overrides(ns), soon).toEqual(['60', '40']);
    await call('DELETE', `${splits(ns)}/second`);
    await expect.poll(() => overrides(ns), soon).toBeUndefined();
  });

  it('neither repairs a ServiceProfile somebody edits nor touches one with the skip annotation', async () => {
    const ns = await namespace();
    await call('POST', splits(ns), split([10, 0]));
    await expect.poll(() => overrides(ns), soon).toEqual(['10', '0']);
    await put(profilePath(ns), (object) => {
      const metadata = object['metadata'] as Record<string, unknown>;
      object['metadata'] = { ...metadata, annotations: { 'smi.linkerd.io/skip': 'false' } };
      object['spec'] = { dstOverrides: [{ authority: 'elsewhere', weight: '7' }] };
    });
    await setWeights(ns, [0, 10]);
    const other = await namespace();
    await call('POST', splits(other), split([1, 0]));
    await expect.poll(() => overrides(other), soon).toEqual(['1', '0']);
    await expect.poll(() => overrides(ns), soon).toEqual(['7']);
  });

  it('stands still for the whole cluster while one split has a weight that is no quantity', async () => {
    const poisoned = await namespace();
    const ns = await namespace();
    await call('POST', splits(poisoned, 'v1alpha1'), split(['abc', '1'], { version: 'v1alpha1' }));
    onTestFinished(async () => void (await plane.api.call('DELETE', `${splits(poisoned, 'v1alpha1')}/web`)));
    await until('the API server to have told everybody', async () => {
      const list = (await call('GET', splits(poisoned, 'v1alpha1'))).body as { items: unknown[] };
      return list.items.length === 1;
    });
    await call('POST', splits(ns), split([10, 0]));
    await new Promise((done) => setTimeout(done, 700));
    expect(await profile(ns)).toBeUndefined();
    await call('DELETE', `${splits(poisoned, 'v1alpha1')}/web`);
    // The informer lists again after a pause that grows.
    await expect.poll(() => overrides(ns), { timeout: 30_000, interval: 100 }).toEqual(['10', '0']);
  });
});

describe('the policy controller', () => {
  interface Condition {
    type: string;
    status: string;
    reason: string;
    observedGeneration: number;
  }

  /** What the policy controller says of the route's present generation. */
  async function conditions(ns: string): Promise<Record<string, string>> {
    const route = (await call('GET', `${routes(ns)}/web`)).body as {
      metadata: { generation: number };
      status?: { parents: { controllerName: string; conditions: Condition[] }[] };
    };
    const ours = route.status?.parents.find(({ controllerName }) => controllerName === 'linkerd.io/policy-controller');
    const current = ours?.conditions.filter((one) => one.observedGeneration === route.metadata.generation);
    return Object.fromEntries((current ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  }

  function route(parent = 'web'): unknown {
    const backendRefs = [
      { name: 'web-stable', port: 80, weight: 9 },
      { name: 'web-canary', port: 80, weight: 1 },
    ];
    const spec = { parentRefs: [{ group: 'core', kind: 'Service', name: parent, port: 80 }], rules: [{ backendRefs }] };
    return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'web' }, spec };
  }

  it('accepts a route on a Service and says when a backend is missing, comes, or goes', async () => {
    const ns = await namespace();
    await service(ns, 'web');
    await service(ns, 'web-stable');
    await call('POST', routes(ns), route());
    await expect
      .poll(() => conditions(ns), soon)
      .toEqual({ Accepted: 'True Accepted', ResolvedRefs: 'False BackendNotFound' });
    await service(ns, 'web-canary');
    await expect
      .poll(() => conditions(ns), soon)
      .toEqual({ Accepted: 'True Accepted', ResolvedRefs: 'True ResolvedRefs' });
    await put(`${routes(ns)}/web`, (object) => {
      object['spec'] = (route() as { spec: unknown }).spec;
      (object['spec'] as { rules: { backendRefs: { weight: number }[] }[] }).rules[0]!.backendRefs[0]!.weight = 8;
    });
    await expect
      .poll(() => conditions(ns), soon)
      .toEqual({ Accepted: 'True Accepted', ResolvedRefs: 'True ResolvedRefs' });
  });

  it('does not accept a route on a headless Service or on none', async () => {
    const ns = await namespace();
    await service(ns, 'web', 'None');
    await service(ns, 'web-stable');
    await service(ns, 'web-canary');
    await call('POST', routes(ns), route());
    await expect
      .poll(() => conditions(ns), soon)
      .toEqual({ Accepted: 'False NoMatchingParent', ResolvedRefs: 'True ResolvedRefs' });
  });
});

describe('the CRDs', () => {
  it('prune what the real ones prune and let in what they let in', async () => {
    const ns = await namespace();
    const withMatches = split([99.9, -5]) as { spec: Record<string, unknown> };
    withMatches.spec['matches'] = [{ kind: 'HTTPRouteGroup', name: 'g' }];
    const stored = (await call('POST', splits(ns), withMatches)).body as { spec: object };
    expect(stored.spec).not.toHaveProperty('matches');
    const refused = await plane.api.call('POST', splits(ns), split(['1', '2'], { name: 'text' }));
    expect(refused.status).toBe(422);
    const later = await plane.api.call('GET', splits(ns, 'v1alpha4'));
    expect(later.status).toBe(404);
    await call('POST', splits(ns, 'v1alpha1'), split(['999m', '1m'], { name: 'milli', version: 'v1alpha1' }));
    const read = (await call('GET', `${splits(ns)}/milli`)).body as { spec: { backends: { weight: unknown }[] } };
    expect(read.spec.backends[0]?.weight).toBe('999m');
  });

  describe.runIf(existsSync(fixtures))(
    'beside those that Linkerd and Gateway API ship (needs ../shared/fixtures)',
    () => {
      it('store the same objects in the same form', async () => {
        await using original = await startControlPlane();
        for (const file of [
          'trafficsplits-linkerd-smi.yaml',
          'serviceprofiles.yaml',
          'httproutes-gateway-api-v1.2.1-standard.yaml',
        ]) {
          for (const document of parseAllDocuments(readFileSync(join(fixtures, file), 'utf8'))) {
            const crd: unknown = document.toJS();
            if (crd === null) continue;
            const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
            const { status, body } = await original.api.call('POST', path, crd);
            expect({ status, body }).toMatchObject({ status: 201 });
          }
        }
        const samples: [path: string, object: unknown][] = [
          [splits('default'), split([10_000, 0])],
          [splits('default', 'v1alpha1'), split(['500m', 1], { name: 'alpha1', version: 'v1alpha1' })],
          [
            profilePath('default').replace(/\/[^/]+$/, ''),
            {
              apiVersion: 'linkerd.io/v1alpha2',
              kind: 'ServiceProfile',
              metadata: { name: 'alone.default.svc.cluster.local' },
              spec: { dstOverrides: [{ authority: 'a', weight: '10k' }], unknown: 1 },
            },
          ],
          [
            routes('default'),
            {
              apiVersion: 'gateway.networking.k8s.io/v1',
              kind: 'HTTPRoute',
              metadata: { name: 'web' },
              spec: {
                parentRefs: [{ group: 'core', kind: 'Service', name: 'web', port: 80 }],
                rules: [
                  {
                    backendRefs: [
                      { name: 'a', port: 80, weight: 1 },
                      { name: 'b', port: 80 },
                    ],
                  },
                ],
              },
            },
          ],
        ];
        const specOf = (answer: ApiResponse): unknown => (answer.body as { spec?: unknown }).spec;
        for (const [path, sample] of samples) {
          await until(`${path} to be served`, async () => (await original.api.call('GET', path)).status === 200);
          const theirs = await original.api.call('POST', path, sample);
          const ours = await call('POST', path, sample);
          expect(theirs).toMatchObject({ status: 201 });
          expect(specOf(ours)).toEqual(specOf(theirs));
        }
      });
    },
  );
});
