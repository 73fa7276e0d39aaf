/** A shop on the test mesh, and the canary sequence written by hand: what the mesh's acceptance test plays through. */
import { until } from '../cluster/api.ts';
import type { RunningCluster } from '../cluster/cluster.ts';

/** Which objects hold the weights. */
export type Holder = 'split' | 'route' | 'both';

/** One application `web` in a namespace: v1 beside v2, a root Service and two backends. */
export interface Shop {
  namespace: string;
  url: string;
  /** The root's pods: one version, or both. */
  pointRoot(version?: 'v1' | 'v2'): Promise<void>;
  pointStable(version: 'v1' | 'v2'): Promise<void>;
  makeBackends(): Promise<void>;
  removeBackends(): Promise<void>;
  /** Writes the weights, and returns once whatever the mesh makes of them says so. The proxies hear of it through a watch of their own. */
  setWeights(stable: number, canary: number): Promise<void>;
  removeHolders(): Promise<void>;
  scale(version: 'v1' | 'v2', replicas: number): Promise<void>;
}

/** Makes namespace, Deployments (v1 with pods, v2 without) and the root. */
export async function openShop(cluster: RunningCluster, namespace: string, holder: Holder): Promise<Shop> {
  const service = (name: string, selector: Record<string, string>): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector, ports: [{ port: 80, targetPort: 8080 }] },
  });
  const root = { app: 'web' };
  const of = (version: string): Record<string, string> => ({ ...root, version });
  const point = async (name: string, selector: Record<string, string>): Promise<void> => {
    // A merge would keep the label that is to go.
    const value = JSON.stringify([{ op: 'replace', path: '/spec/selector', value: selector }]);
    await cluster.kubectl(['patch', 'service', name, '-n', namespace, '--type=json', '-p', value]);
  };
  const objects = (stable: number, canary: number): object[] => {
    const held = { split: [split], route: [route], both: [split, route] }[holder];
    return held.map((make) => make(namespace, stable, canary));
  };
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    deployment(namespace, 'v1', 2),
    deployment(namespace, 'v2', 0),
    service('web', root),
  ]);
  await readyEndpoints(cluster, namespace, 'web', 2);
  return {
    namespace,
    url: `http://web.${namespace}/`,
    pointRoot: (version) => point('web', version === undefined ? root : of(version)),
    pointStable: (version) => point('web-stable', of(version)),
    makeBackends: async () => {
      await cluster.apply([service('web-stable', of('v1')), service('web-canary', of('v2'))]);
      await readyEndpoints(cluster, namespace, 'web-stable', 2);
    },
    removeBackends: async () => {
      await cluster.kubectl(['delete', 'service', 'web-stable', 'web-canary', '-n', namespace]);
    },
    setWeights: async (stable, canary) => {
      await cluster.apply(objects(stable, canary));
      if (holder !== 'route') await profileSays(cluster, namespace, [stable, canary]);
      if (holder !== 'split') await routeIsAccepted(cluster, namespace);
    },
    removeHolders: async () => {
      const kinds = { split: ['trafficsplit'], route: ['httproute'], both: ['trafficsplit', 'httproute'] }[holder];
      for (const kind of kinds) await cluster.kubectl(['delete', kind, 'web', '-n', namespace]);
      if (holder !== 'route') await profileSays(cluster, namespace, undefined);
    },
    scale: async (version, replicas) => {
      await cluster.kubectl(['scale', `deployment/web-${version}`, '-n', namespace, `--replicas=${replicas}`]);
      const selector = `app=web,version=${version}`;
      await until(`${replicas} pods of ${version}`, async () => {
        const pods = await cluster.kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'name']);
        return pods.split('\n').filter(Boolean).length === replicas;
      });
      if (version === 'v2') await readyEndpoints(cluster, namespace, 'web-canary', replicas);
    },
  };
}

function deployment(namespace: string, version: string, replicas: number): object {
  const labels = { app: 'web', version };
  const container = {
    name: 'app',
    image: `sluice.test/app:${version}`,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ containerPort: 8080 }, { name: 'linkerd-admin', containerPort: 4191 }],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `web-${version}`, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}

function split(namespace: string, stable: number, canary: number): object {
  const backends = [
    { service: 'web-stable', weight: stable },
    { service: 'web-canary', weight: canary },
  ];
  return {
    apiVersion: 'split.smi-spec.io/v1alpha2',
    kind: 'TrafficSplit',
    metadata: { name: 'web', namespace },
    spec: { service: 'web', backends },
  };
}

function route(namespace: string, stable: number, canary: number): object {
  const backendRefs = [
    { name: 'web-stable', port: 80, weight: stable },
    { name: 'web-canary', port: 80, weight: canary },
  ];
  const spec = { parentRefs: [{ group: 'core', kind: 'Service', name: 'web', port: 80 }], rules: [{ backendRefs }] };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'web', namespace }, spec };
}

async function readyEndpoints(
  cluster: RunningCluster,
  namespace: string,
  service: string,
  count: number,
): Promise<void> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=kubernetes.io/service-name=${service}`;
  await until(`${count} ready endpoints of ${service}`, async () => {
    const { items } = (await cluster.api.call('GET', path)).body as {
      items: { endpoints?: { conditions: { ready?: boolean } }[] | null }[];
    };
    const endpoints = items.flatMap(({ endpoints }) => endpoints ?? []);
    return endpoints.filter(({ conditions }) => conditions.ready === true).length === count;
  });
}

async function profileSays(cluster: RunningCluster, namespace: string, weights: number[] | undefined): Promise<void> {
  const path = `/apis/linkerd.io/v1alpha2/namespaces/${namespace}/serviceprofiles/web.${namespace}.svc.cluster.local`;
  await until(`the ServiceProfile to say ${String(weights)}`, async () => {
    const profile = (await cluster.api.call('GET', path)).body as { spec?: { dstOverrides?: { weight: string }[] } };
    const now = profile.spec?.dstOverrides?.map(({ weight }) => Number(weight.replace('k', '000')));
    return String(now) === String(weights);
  });
}

async function routeIsAccepted(cluster: RunningCluster, namespace: string): Promise<void> {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/web`;
  await until('the route to be accepted', async () => {
    const { status } = (await cluster.api.call('GET', path)).body as {
      status?: { parents: { conditions: { status: string }[] }[] };
    };
    return status?.parents.every(({ conditions }) => conditions.every((one) => one.status === 'True')) ?? false;
  });
}
