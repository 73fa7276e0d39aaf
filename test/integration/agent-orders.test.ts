/** Orders on a real API server: they hold only over what was seen, change nothing else, and find an absent field absent. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClusterAccess } from '../../src/agent/kubernetes/cluster-access.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { fieldsOf, orderSteps } from '../../src/agent/kinds/orders.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Change, Json } from '../../src/protocol/records.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { deployment, installTrafficSplit, splitOf } from '../support/objects.ts';

let plane: ControlPlane;
let api: KubeApi;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  await installTrafficSplit(plane.api);
  api = new KubeApi(await openClusterAccess({ kind: 'kubeconfig', path: plane.kubeconfig }), systemClock);
});

afterAll(() => plane?.stop());

const PLURALS: Record<string, string> = { Deployment: 'deployments', TrafficSplit: 'trafficsplits' };

function listOf({ apiVersion, kind }: KubeObject): string {
  return `/apis/${apiVersion}/namespaces/shop/${PLURALS[kind]}`;
}

const pathOf = (object: KubeObject): string => `${listOf(object)}/${object.metadata.name}`;

function made(object: KubeObject): Promise<KubeObject> {
  return api.call<KubeObject>({ method: 'POST', path: listOf(object), body: object, what: 'make' });
}

function read(object: KubeObject): Promise<KubeObject> {
  return api.call<KubeObject>({ method: 'GET', path: pathOf(object), what: 'read' });
}

function patch(object: KubeObject, body: unknown): Promise<KubeObject> {
  const contentType = 'application/json-patch+json';
  return api.call<KubeObject>({ method: 'PATCH', path: pathOf(object), contentType, body, what: 'order' });
}

/** @param seen the object that the order is made from: by now it may be another. */
async function order(
  seen: KubeObject,
  to: Record<string, Json>,
  values: Record<string, Json> = {},
): Promise<KubeObject> {
  const changes = Object.entries(to).map(([field, value]): Change => {
    const more = values[field];
    return { field, from: fieldsOf(seen)[field] ?? null, to: value, ...(more === undefined ? {} : { value: more }) };
  });
  return patch(seen, orderSteps(seen, seen.metadata.uid ?? '', changes));
}

/** As the API server says of a patch whose test failed: 422, and no field is named. */
const untrue = expect.objectContaining({ status: 422, fields: [] });

test('a Deployment is held and let go, and a size that came meanwhile stays', async () => {
  const before = await made(deployment('held'));
  expect(fieldsOf(before)).toMatchObject({ replicas: 2 });
  expect(fieldsOf(before)).not.toHaveProperty('paused');
  await order(before, { paused: true, 'label:sluice.dev/held': 'dep-1' });
  const held = await read(before);
  expect(fieldsOf(held)).toMatchObject({ paused: true, 'label:sluice.dev/held': 'dep-1', replicas: 2 });
  await patch(held, [{ op: 'replace', path: '/spec/replicas', value: 5 }]);
  await order(held, { paused: null, 'label:sluice.dev/held': null });
  const free = await read(before);
  expect(free['spec']).toMatchObject({ replicas: 5 });
  expect(fieldsOf(free)).not.toHaveProperty('paused');
  expect(fieldsOf(free)).not.toHaveProperty('label:sluice.dev/held');
});

test.each<[string, Record<string, Json>]>([
  ['a field that was absent', { paused: true }],
  ['the first label', { 'label:sluice.dev/held': 'dep-1' }],
  [
    'several first annotations',
    { 'annotation:sluice.dev/restore': '{}', 'annotation:sluice.dev/withdrawn': 'by somebody' },
  ],
])('an order over %s that somebody else wrote meanwhile changes nothing', async (_, to) => {
  const name = `raced-${Object.keys(to).length}-${Object.keys(to)[0]?.replace(/[^a-z]/g, '') ?? ''}`;
  const seen = await made(deployment(name));
  await order(seen, to);
  const after = await read(seen);
  expect(fieldsOf(after)).toMatchObject(to);
  // The same order again, made from what was seen before the first.
  const other = Object.fromEntries(Object.keys(to).map((field) => [field, to[field] === true ? true : 'other']));
  await expect(order(seen, other)).rejects.toEqual(untrue);
  expect(await read(seen)).toEqual(after);
});

test('weights move by name, and an edit of one of them in between refuses the whole', async () => {
  const seen = await made(splitOf('web', 10_000, 0));
  expect(fieldsOf(seen)).toEqual({ weights: { 'web-stable': 10_000, 'web-canary': 0 } });
  // The order of names is the sender's own.
  await order(seen, { weights: { 'web-canary': 2_500, 'web-stable': 7_500 } });
  const shifted = await read(seen);
  expect(shifted['spec']).toEqual(splitOf('web', 7_500, 2_500)['spec']);
  await expect(order(seen, { weights: { 'web-stable': 0, 'web-canary': 10_000 } })).rejects.toEqual(untrue);
  expect(await read(seen)).toEqual(shifted);
});

test('backends that changed places meanwhile refuse an order for their weights', async () => {
  const seen = await made(splitOf('swapped', 5_000, 5_000));
  const [stable, canary] = (seen['spec'] as { backends: object[] }).backends;
  const body = [{ op: 'replace', path: '/spec/backends', value: [canary, stable] }];
  await patch(seen, body);
  const swapped = await read(seen);
  await expect(order(seen, { weights: { 'swapped-stable': 9_000, 'swapped-canary': 1_000 } })).rejects.toEqual(untrue);
  expect(await read(seen)).toEqual(swapped);
});

test('a template is put back by its value, and only over the one that was seen', async () => {
  const first = await made(deployment('templated'));
  const old = (first['spec'] as { template: Json }).template;
  const newer = structuredClone(first) as KubeObject & {
    spec: { template: { spec: { containers: { image: string }[] } } };
  };
  const [container] = newer.spec.template.spec.containers;
  if (container !== undefined) container.image = 'app:2';
  const to = fieldsOf(newer)['template'] ?? null;
  const value = newer.spec.template as unknown as Json;
  await order(first, { template: to }, { template: value });
  const second = await read(first);
  expect(fieldsOf(second)['template']).toBe(to);
  await expect(order(first, { template: to }, { template: value })).rejects.toEqual(untrue);
  const back = fieldsOf(first)['template'] ?? null;
  await order(second, { template: back }, { template: old });
  expect(fieldsOf(await read(first))['template']).toBe(back);
});

test('an object that was made anew under its name is not the one that was seen', async () => {
  const seen = await made(splitOf('again', 10_000, 0));
  await api.call({ method: 'DELETE', path: pathOf(seen), what: 'delete' });
  const other = await made(splitOf('again', 10_000, 0));
  await expect(order(seen, { weights: { 'again-stable': 0, 'again-canary': 10_000 } })).rejects.toEqual(untrue);
  expect(await read(seen)).toEqual(other);
});
