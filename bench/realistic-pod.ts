/** A pod as controllers and kubelet make it: about 5 KB of JSON. Pure. */

import type { KubeObject } from '../src/protocol/kube-object.ts';

const since = '2026-01-01T00:00:00Z';

/** Of the one revision that each workload has. */
export const podHash = '6d8f7c9b54';

/** @param owner uid of its ReplicaSet. */
export function realisticPod(workload: string, number: number, owner: string): KubeObject {
  const probe = {
    httpGet: { path: '/healthz', port: 8080 },
    periodSeconds: 10,
    timeoutSeconds: 1,
    failureThreshold: 3,
  };
  const env = Array.from({ length: 18 }, (_, at) => ({
    name: `SETTING_${at}`,
    value: `value-${number}-of-setting-${at}`,
  }));
  const metadata = {
    name: `${workload}-${podHash}-${number}`,
    labels: { 'app.kubernetes.io/name': workload, 'app.kubernetes.io/part-of': 'shop', 'pod-template-hash': podHash },
    annotations: {
      'prometheus.io/scrape': 'true',
      'kubectl.kubernetes.io/restartedAt': since,
      'checksum/config': 'a3f1'.repeat(16),
      'linkerd.io/inject': 'enabled',
    },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-${podHash}`, uid: owner, controller: true },
    ],
  };
  const spec = {
    nodeName: `node-${number % 50}`,
    serviceAccountName: 'default',
    containers: [
      {
        name: 'app',
        image: `registry.example/shop/${workload}:1.4.${number % 10}`,
        env,
        ports: [{ name: 'http', containerPort: 8080 }],
        resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
        livenessProbe: probe,
        readinessProbe: probe,
        volumeMounts: [{ name: 'config', mountPath: '/etc/app', readOnly: true }],
      },
      { name: 'proxy', image: 'registry.example/mesh/proxy:2.14', readinessProbe: probe },
    ],
    volumes: [{ name: 'config', configMap: { name: `${workload}-config` } }],
    tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec };
}

/** A status of which all is well. */
export function ready(number: number): object {
  const condition = (type: string): object => ({ type, status: 'True', lastTransitionTime: since });
  const container = (name: string): object => ({
    name,
    image: `registry.example/shop/${name}:1.4`,
    imageID: `registry.example/shop/${name}@sha256:${'0123456789abcdef'.repeat(4)}`,
    containerID: `containerd://${'fedcba9876543210'.repeat(4)}`,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: since } },
  });
  return {
    phase: 'Running',
    hostIP: `10.0.0.${number % 250}`,
    podIP: `10.1.${Math.floor(number / 250) % 250}.${number % 250}`,
    startTime: since,
    qosClass: 'Burstable',
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
    containerStatuses: [container('app'), container('proxy')],
  };
}
