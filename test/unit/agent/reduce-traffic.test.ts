import { weightOf } from '../../../src/agent/kinds/quantity.ts';
import { expect, test } from 'vitest';
import { reduceProfile, reduceRoute, reduceSlice, reduceSplit } from '../../../src/agent/health/reduce-traffic.ts';

const metadata = { name: 'web', uid: 'u', resourceVersion: '7', generation: 3 };

test.each([
  [10, 10],
  ['500m', 0.5],
  ['1k', 1000],
  ['10', 10],
  ['1e2', 100],
  ['0.5', 0.5],
  ['ten', -1],
  ['', -1],
  [null, -1],
  [undefined, -1],
])('the stored weight %j is %d', (stored, weight) => {
  expect(weightOf(stored)).toBe(weight);
});

test('a split of either version, with weights as numbers', () => {
  const spec = {
    service: 'web',
    backends: [{ service: 'a', weight: '250m' }, { service: 'b', weight: 3 }, { service: 'c' }],
  };
  expect(reduceSplit({ apiVersion: '', kind: '', metadata, spec }).weights).toEqual([
    { backend: 'a', weight: 0.25 },
    { backend: 'b', weight: 3 },
    { backend: 'c', weight: -1 },
  ]);
});

test("a profile's backend is the Service before the first dot", () => {
  const spec = { dstOverrides: [{ authority: 'web-canary.shop.svc.cluster.local:80', weight: '100m' }] };
  expect(reduceProfile({ apiVersion: '', kind: '', metadata, spec }).weights).toEqual([
    { backend: 'web-canary', weight: 0.1 },
  ]);
});

test('endpoints: ready unless said otherwise, never while they end, by pod where one is named', () => {
  const labels = { 'kubernetes.io/service-name': 'web' };
  const endpoints = [
    { addresses: ['1'], targetRef: { uid: 'pod-1' } },
    { addresses: ['2'], conditions: { ready: true, terminating: true } },
    { addresses: ['3'], conditions: { ready: false } },
    { addresses: ['4'], conditions: { ready: true } },
  ];
  const slice = reduceSlice({ apiVersion: '', kind: '', metadata: { ...metadata, labels }, endpoints });
  expect(slice).toEqual({ service: 'web', ready: ['pod-1', '4'], notReady: ['2', '3'] });
});

test('a route is accepted when all its parents say so of its newest generation', () => {
  const condition = (type: string, status: string, observedGeneration: number) => ({
    type,
    status,
    observedGeneration,
    reason: 'R',
  });
  const route = (...parents: object[][]) =>
    reduceRoute({
      apiVersion: '',
      kind: '',
      metadata,
      spec: { rules: [{ backendRefs: [{ name: 'a', weight: 9 }, { name: 'b' }] }] },
      status: { parents: parents.map((conditions) => ({ conditions })) },
    });
  expect(route([condition('Accepted', 'True', 3), condition('ResolvedRefs', 'True', 3)])).toMatchObject({
    accepted: true,
    resolved: true,
    observedGeneration: 3,
    weights: [
      { backend: 'a', weight: 9 },
      { backend: 'b', weight: 1 },
    ],
  });
  expect(route([condition('Accepted', 'True', 3)], [condition('Accepted', 'False', 3)])).toMatchObject({
    accepted: false,
    reason: 'R',
  });
  expect(route([condition('Accepted', 'False', 2)], [condition('Accepted', 'True', 3)])).toMatchObject({
    accepted: true,
  });
  expect(route()).toMatchObject({ accepted: false, observedGeneration: 0 });
});
