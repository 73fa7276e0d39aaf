import { expect, test } from 'vitest';
import { fieldsOf, orderSteps } from '../../../src/agent/kinds/orders.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';
import { deployment, splitOf } from '../../support/objects.ts';

const seen = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, uid: 'u1' } });

test('weights are shown by backend, whatever their order and their form', () => {
  const text = {
    ...splitOf('web', 0, 0),
    spec: {
      backends: [
        { service: 'b', weight: '500m' },
        { service: 'a', weight: 1 },
      ],
    },
  };
  expect(fieldsOf(text)).toEqual({ weights: { a: 1, b: 0.5 } });
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'web' },
    spec: {
      rules: [
        { backendRefs: [{ name: 'a', weight: 9 }, { name: 'b' }] },
        { name: 'named', backendRefs: [{ name: 'a', weight: 0 }] },
      ],
    },
  };
  expect(fieldsOf(route)).toEqual({ weights: { '0/a': 9, '0/b': 1, 'named/a': 0 } });
});

test('a template is the same by the same digest, whatever its keys and its hash label', () => {
  const template = (labels: object, spec: object): KubeObject => ({
    ...deployment('web'),
    spec: { template: { metadata: { labels }, spec } },
  });
  const plain = fieldsOf(template({ app: 'web' }, { containers: [], volumes: [] }))['template'];
  expect(
    fieldsOf(template({ 'pod-template-hash': 'x', app: 'web' }, { volumes: [], containers: [] }))['template'],
  ).toBe(plain);
  expect(fieldsOf(template({ app: 'web' }, { containers: [], volumes: [{ emptyDir: {} }] }))['template']).not.toBe(
    plain,
  );
});

test.each([
  ['another uid', () => orderSteps(seen(splitOf('web', 1, 0)), 'u2', []), 'PRECONDITION'],
  [
    'a value that was not seen',
    () => orderSteps(seen(deployment('web')), 'u1', [{ field: 'paused', from: true, to: null }]),
    'PRECONDITION',
  ],
  [
    'a field that the kind has not',
    () => orderSteps(seen(deployment('web')), 'u1', [{ field: 'weights', from: null, to: {} }]),
    'INVALID',
  ],
  [
    'a backend that is not there',
    () =>
      orderSteps(seen(splitOf('web', 1, 0)), 'u1', [
        { field: 'weights', from: { 'web-stable': 1, 'web-canary': 0 }, to: { other: 1 } },
      ]),
    'INVALID',
  ],
])('an order over %s is refused before anything is sent', (_, act, code) => {
  expect(act).toThrow(expect.objectContaining({ code }));
});

test('marks with slashes and tildes keep their names, and the first ones make their map', () => {
  const changes = ['annotation:a/b', 'annotation:c~d'].map((field) => ({ field, from: null, to: 'x' }));
  expect(orderSteps(seen(deployment('web')), 'u1', changes).slice(1)).toEqual([
    { op: 'test', path: '/metadata/annotations', value: null },
    { op: 'add', path: '/metadata/annotations', value: { 'a/b': 'x' } },
    { op: 'add', path: '/metadata/annotations/c~0d', value: 'x' },
  ]);
});
