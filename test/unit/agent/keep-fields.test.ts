import { expect, test } from 'vitest';
import { applyOrder } from '../../../src/agent/operations/apply.ts';
import { keepFields } from '../../../src/agent/operations/keep-fields.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'shop',
    uid: 'u',
    resourceVersion: '7',
    labels: { app: 'x' },
    annotations: { a: '1' },
  },
  spec: {
    nodeName: 'n',
    containers: [
      { name: 'one', image: 'i:1' },
      { name: 'two', image: 'i:2' },
    ],
  },
  status: { phase: 'Running' },
};
const naming = { name: 'p', namespace: 'shop', uid: 'u', resourceVersion: '7' };

test.each([
  [[], pod],
  [['status.phase'], { apiVersion: 'v1', kind: 'Pod', metadata: naming, status: { phase: 'Running' } }],
  [
    ['spec.containers.image', 'metadata.labels'],
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...naming, labels: { app: 'x' } },
      spec: { containers: [{ image: 'i:1' }, { image: 'i:2' }] },
    },
  ],
  [['spec', 'spec.nodeName'], { apiVersion: 'v1', kind: 'Pod', metadata: naming, spec: pod['spec'] }],
  [['no.such.path', '__proto__.x', ''], { apiVersion: 'v1', kind: 'Pod', metadata: naming }],
])('%j keeps those fields, and what names the object', (fields, kept) => {
  expect(keepFields(pod, fields)).toEqual(kept);
});

test('namespaces are applied first, then definitions of kinds, then the rest as it was given', () => {
  const named = (kind: string, name: string, apiVersion = 'v1'): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name },
  });
  const definition = named('CustomResourceDefinition', 'd', 'apiextensions.k8s.io/v1');
  const order = applyOrder([named('B', '1'), definition, named('A', '2'), named('Namespace', 'n'), named('B', '3')]);
  expect(order.map(({ metadata }) => metadata.name)).toEqual(['n', 'd', '1', '2', '3']);
});
