/** Small Kubernetes objects, as tests apply them. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';

export const TRAFFIC_SPLIT = 'split.smi-spec.io/v1alpha2';

export function configMap(name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

export function deployment(name: string, replicas = 2): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1' }] } },
    },
  };
}

export function splitOf(root: string, stable: number, canary: number): KubeObject {
  return {
    apiVersion: TRAFFIC_SPLIT,
    kind: 'TrafficSplit',
    metadata: { name: root },
    spec: {
      service: root,
      backends: [
        { service: `${root}-stable`, weight: stable },
        { service: `${root}-canary`, weight: canary },
      ],
    },
  };
}

interface Api {
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

/** The TrafficSplit kind, and waits until it is served. */
export async function installTrafficSplit(api: Api): Promise<void> {
  const { status, body } = await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'trafficsplits.split.smi-spec.io' },
    spec: {
      group: 'split.smi-spec.io',
      scope: 'Namespaced',
      names: { plural: 'trafficsplits', singular: 'trafficsplit', kind: 'TrafficSplit', listKind: 'TrafficSplitList' },
      versions: [
        {
          name: 'v1alpha2',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  if (status !== 201) throw new Error(`CustomResourceDefinition: ${JSON.stringify(body)}`);
  for (let tries = 0; tries < 100; tries++) {
    const served = await api.call('GET', '/apis/split.smi-spec.io/v1alpha2/namespaces/default/trafficsplits');
    if (served.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('TrafficSplit is not served after 5 s');
}
