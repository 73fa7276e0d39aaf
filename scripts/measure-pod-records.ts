/** `node --expose-gc scripts/measure-pod-records.ts`: heap of what an agent keeps of each pod, whole objects beside it. Prints, asserts nothing. */

import { PodIndex } from '../src/agent/health/pod-index.ts';
import { reducePod } from '../src/agent/health/reduce-pod.ts';
import type { PodEntry } from '../src/agent/health/reduce-pod.ts';
import type { KubeObject } from '../src/protocol/kube-object.ts';

/** More than the 5,000 of a large agent: what else the heap does is then small beside them. */
const count = 25_000;
const perSet = 50;
/** As the API server pages: what is parsed goes page by page. */
const page = 100;

/** A pod of about the size they have: labels, two containers, conditions, managedFields. */
function podText(at: number): string {
  const set = Math.floor(at / perSet);
  const ownerUid = `00000000-0000-4000-8000-${String(set).padStart(12, '0')}`;
  const name = `checkout-service-${set}-7c9d8b6f5-${String(at).padStart(5, '0')}`;
  const container = (of: string): object => ({
    name: of,
    image: `registry.example/shop/${of}:1.2.3`,
    env: Array.from({ length: 12 }, (_, each) => ({ name: `VARIABLE_${each}`, value: `value-${each}-${at}` })),
    resources: { limits: { memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 10 },
  });
  const status = (of: string): object => ({
    name: of,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  });
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `11111111-1111-4111-8111-${String(at).padStart(12, '0')}`,
      resourceVersion: String(100_000 + at),
      labels: { app: `checkout-service-${set}`, 'pod-template-hash': `7c9d8b6f${set}` },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `set-${set}`, uid: ownerUid, controller: true },
      ],
      managedFields: Array.from({ length: 2 }, (_, each) => ({
        manager: `manager-${each}`,
        fieldsV1: {
          'f:status': Object.fromEntries(Array.from({ length: 30 }, (_each, key) => [`f:field-${key}`, {}])),
        },
      })),
    },
    spec: { containers: [container('app'), container('linkerd-proxy')] },
    status: {
      phase: 'Running',
      conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      })),
      containerStatuses: [status('app'), status('linkerd-proxy')],
    },
  });
}

function heap(): number {
  for (let each = 0; each < 4; each++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function parsedPage(from: number): KubeObject[] {
  const items = Array.from({ length: page }, (_, each) => podText(from + each)).join(',');
  return (JSON.parse(`{"items":[${items}]}`) as { items: KubeObject[] }).items;
}

if (!globalThis.gc) throw new Error('Start it with --expose-gc.');
/** A namespace's pods as namespace-view.ts has them: by name, and by owner. */
const entries = new Map<string, PodEntry>();
const index = new PodIndex();
for (let warm = 0; warm < 20; warm++) parsedPage(0).forEach((each) => reducePod(each));
const before = heap();
for (let from = 0; from < count; from += page) {
  for (const object of parsedPage(from)) {
    const entry = reducePod(object);
    entries.set(entry.record.name, entry);
    index.set(entry.record.name, undefined, entry);
  }
}
const kept = heap() - before;
const whole = new Map<string, KubeObject>();
for (let from = 0; from < count; from += page)
  for (const object of parsedPage(from)) whole.set(object.metadata.name, object);
const full = heap() - before - kept;
console.log(`${entries.size} pods of ${(podText(1).length / 1024).toFixed(1)} KB JSON`);
console.log(
  `heap for each: record ${(kept / count / 1024).toFixed(2)} KB (target 0.35), whole object ${(full / whole.size / 1024).toFixed(2)} KB`,
);
console.log(`of one owner: ${index.podsOfOwner(`00000000-0000-4000-8000-${'0'.repeat(12)}`).length} pods`);
