import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { TRAFFIC_SPLIT, configMap, deployment, installTrafficSplit, splitOf } from '../support/objects.ts';

let plane: ControlPlane;
let hub: SmallHub;
let agent: TestAgent;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  await plane.token('bank', 'somebody');
  await installTrafficSplit(plane.api);
  hub = await new SmallHub().listen();
  agent = await startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig: plane.kubeconfig, namespaces: ['shop'] });
  await hub.connected();
});

afterAll(async () => {
  await agent?.stop();
  await hub?.[Symbol.asyncDispose]();
  await plane?.stop();
});

const ref = (kind: string, name: string, apiVersion = 'v1') => ({ apiVersion, kind, name });

describe('each operation does its deed on a real API server', () => {
  test('apply makes objects in order, under one field manager, and returns who wrote them, not every field', async () => {
    const { objects } = await hub.value<{ objects: KubeObject[] }>('shop', {
      kind: 'apply',
      objects: [configMap('one', { a: '1' }), deployment('web')],
    });
    expect(objects.map((each) => each.metadata.name)).toEqual(['one', 'web']);
    expect(objects[1]!.metadata['managedFields']).toEqual([
      { manager: 'sluice', operation: 'Apply', time: expect.any(String) },
    ]);
    const stored = (await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/one')).body as {
      metadata: { managedFields: { manager: string; operation: string }[] };
    };
    expect(stored.metadata.managedFields).toMatchObject([{ manager: 'sluice', operation: 'Apply' }]);
  });

  test('apply with dryRun shows what would become of it and stores nothing', async () => {
    const { objects } = await hub.value<{ objects: KubeObject[] }>('shop', {
      kind: 'apply',
      dryRun: true,
      objects: [deployment('never')],
    });
    expect(objects[0]).toMatchObject({ spec: { revisionHistoryLimit: 10 } });
    expect(await hub.run('shop', { kind: 'get', object: ref('Deployment', 'never', 'apps/v1') })).toMatchObject({
      state: 'failed',
      code: 'NOT_FOUND',
    });
  });

  test('apply of a field that another manager owns is a CONFLICT that names the owner; force takes it', async () => {
    const path = '/api/v1/namespaces/shop/configmaps?fieldManager=gitops';
    await plane.api.call('POST', path, { ...configMap('owned', { a: 'theirs' }), metadata: { name: 'owned' } });
    const objects = [configMap('owned', { a: 'ours' })];
    const refused = await hub.run('shop', { kind: 'apply', objects });
    expect(refused).toMatchObject({ state: 'failed', code: 'CONFLICT' });
    expect(refused.message).toContain('gitops');
    expect(refused.message).toContain('.data.a');
    expect(await hub.run('shop', { kind: 'apply', objects, force: true })).toMatchObject({ state: 'succeeded' });
  });

  test('patch: merge on a custom resource, strategic on a built-in, json with steps', async () => {
    await hub.value('shop', { kind: 'apply', objects: [splitOf('web', 100, 0)] });
    const split = await hub.value<{ object: KubeObject }>('shop', {
      kind: 'patch',
      object: ref('TrafficSplit', 'web', TRAFFIC_SPLIT),
      type: 'merge',
      body: { spec: splitOf('web', 90, 10)['spec'] },
    });
    expect(split.object['spec']).toMatchObject({ backends: [{ weight: 90 }, { weight: 10 }] });
    const strategic = await hub.value<{ object: KubeObject }>('shop', {
      kind: 'patch',
      object: ref('Deployment', 'web', 'apps/v1'),
      type: 'strategic',
      body: { spec: { paused: true } },
    });
    expect(strategic.object['spec']).toMatchObject({ paused: true });
    const json = await hub.value<{ object: KubeObject }>('shop', {
      kind: 'patch',
      object: ref('ConfigMap', 'one'),
      type: 'json',
      body: [{ op: 'add', path: '/data/b', value: '2' }],
    });
    expect(json.object['data']).toEqual({ a: '1', b: '2' });
  });

  test.each(['merge', 'json'] as const)(
    'a %s patch with an old resourceVersion or another uid is PRECONDITION',
    async (type) => {
      const body = type === 'merge' ? { data: { a: '3' } } : [{ op: 'replace', path: '/data/a', value: '3' }];
      const { object } = await hub.value<{ object: KubeObject }>('shop', {
        kind: 'get',
        object: ref('ConfigMap', 'one'),
      });
      const old = await hub.run('shop', {
        kind: 'patch',
        object: ref('ConfigMap', 'one'),
        type,
        body,
        resourceVersion: '1',
      });
      expect(old).toMatchObject({ state: 'failed', code: 'PRECONDITION' });
      const other = { ...ref('ConfigMap', 'one'), uid: '00000000-0000-0000-0000-000000000000' };
      expect(await hub.run('shop', { kind: 'patch', object: other, type, body })).toMatchObject({
        code: 'PRECONDITION',
      });
      const right = { ...ref('ConfigMap', 'one'), uid: object.metadata.uid! };
      const { resourceVersion = '' } = object.metadata;
      expect(await hub.run('shop', { kind: 'patch', object: right, type, body, resourceVersion })).toMatchObject({
        code: 'OK',
      });
    },
  );

  test('scale sets the replicas of the object itself', async () => {
    const object = ref('Deployment', 'web', 'apps/v1');
    const scaled = await hub.value<{ object: KubeObject }>('shop', { kind: 'scale', object, replicas: 4 });
    expect(scaled.object['spec']).toMatchObject({ replicas: 4 });
  });

  test('delete: found, then not found; of another uid it is PRECONDITION', async () => {
    await hub.value('shop', { kind: 'apply', objects: [configMap('gone', {})] });
    const object = ref('ConfigMap', 'gone');
    const other = { ...object, uid: '00000000-0000-0000-0000-000000000000' };
    expect(await hub.run('shop', { kind: 'delete', object: other, propagation: 'background' })).toMatchObject({
      code: 'PRECONDITION',
    });
    const first = await hub.value('shop', { kind: 'delete', object, propagation: 'background', waitGone: true });
    expect(first).toEqual({ found: true });
    expect(await hub.value('shop', { kind: 'delete', object, propagation: 'background' })).toEqual({ found: false });
  });

  test('delete with waitGone answers when the last finalizer is off, not before', async () => {
    const held = configMap('held', {});
    held.metadata['finalizers'] = ['example.com/hold'];
    await hub.value('shop', { kind: 'apply', objects: [held] });
    const object = ref('ConfigMap', 'held');
    const operation = hub.operation('shop', { kind: 'delete', object, propagation: 'background', waitGone: true });
    hub.deliver(operation);
    const path = '/api/v1/namespaces/shop/configmaps/held';
    let ending = held;
    await until('it is being deleted', async () => {
      ending = (await plane.api.call('GET', path)).body as KubeObject;
      return ending.metadata.deletionTimestamp !== undefined;
    });
    expect(hub.results.has(operation.id)).toBe(false);
    const { finalizers: _held, ...metadata } = ending.metadata;
    await plane.api.call('PUT', path, { ...ending, metadata });
    expect(await hub.result(operation.id)).toMatchObject({ state: 'succeeded', value: { found: true } });
  });

  test('list pages through everything a selector names, with kind and version on each', async () => {
    const many = Array.from({ length: 12 }, (_, at) => {
      const object = configMap(`many-${at}`, {});
      object.metadata.labels = { many: 'yes' };
      return object;
    });
    await hub.value('shop', { kind: 'apply', objects: many });
    const { items } = await hub.value<{ items: KubeObject[] }>('shop', {
      kind: 'list',
      apiVersion: 'v1',
      objectKind: 'ConfigMap',
      namespace: 'shop',
      labelSelector: 'many=yes',
    });
    expect(items).toHaveLength(12);
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  test('discover tells which versions and kinds are served, and that a group is not', async () => {
    const { groups } = await hub.value<{ groups: Record<string, { version: string; kinds: string[] }[]> }>('shop', {
      kind: 'discover',
      groups: ['split.smi-spec.io', 'apps', '', 'no.such.group'],
    });
    expect(groups['split.smi-spec.io']).toEqual([{ version: 'v1alpha2', kinds: ['TrafficSplit'] }]);
    expect(groups['apps']).toEqual([{ version: 'v1', kinds: expect.arrayContaining(['Deployment', 'ReplicaSet']) }]);
    expect(groups['']?.[0]?.kinds).toContain('Service');
    expect(groups['no.such.group']).toEqual([]);
  });

  test('reviewAccess of an administrator denies nothing', async () => {
    const rules = [{ group: 'apps', resource: 'deployments', verb: 'patch' }];
    expect(await hub.value('shop', { kind: 'reviewAccess', namespace: 'shop', rules })).toEqual({ denied: [] });
  });

  test('a Secret can be written, and its data never comes back', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, stringData: { password: 'hunter2' } };
    const written = await hub.run('shop', { kind: 'apply', objects: [secret] });
    const read = await hub.run('shop', { kind: 'get', object: ref('Secret', 'key') });
    const listed = await hub.run('shop', { kind: 'list', apiVersion: 'v1', objectKind: 'Secret', namespace: 'shop' });
    for (const result of [written, read, listed]) {
      expect(result.state).toBe('succeeded');
      expect(JSON.stringify(result)).not.toMatch(/hunter2|aHVudGVyMg/);
    }
  });
});

describe('what the agent does not do', () => {
  test('nothing outside its allowed namespaces, whoever asks and however the namespace is named', async () => {
    const object = configMap('one', {});
    const elsewhere = { ...object, metadata: { ...object.metadata, namespace: 'bank' } };
    for (const [namespace, objects] of [
      ['bank', [object]],
      ['shop', [elsewhere]],
      ['shop', [object, elsewhere]],
    ] as const) {
      const result = await hub.run(namespace, { kind: 'apply', objects: [...objects] });
      expect(result).toMatchObject({ state: 'rejected', code: 'POLICY' });
      expect(result.message).toContain('bank');
    }
    expect((await plane.api.call('GET', '/api/v1/namespaces/bank/configmaps/one')).status).toBe(404);
    expect(
      await hub.run('shop', { kind: 'list', apiVersion: 'v1', objectKind: 'Secret', namespace: 'bank' }),
    ).toMatchObject({ code: 'POLICY' });
  });

  test('nothing to objects that belong to no namespace', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { evil: 'yes' } } };
    expect(await hub.run('shop', { kind: 'apply', objects: [namespace] })).toMatchObject({
      state: 'rejected',
      code: 'POLICY',
    });
  });

  test("nothing late: past its deadline by the hub's clock it is expired", async () => {
    const late = { notAfterMs: Date.now() - 1000 };
    const result = await hub.run('shop', { kind: 'apply', objects: [configMap('late', {})] }, late);
    expect(result).toMatchObject({ state: 'expired', code: 'EXPIRED' });
    expect((await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/late')).status).toBe(404);
  });

  test('nothing for an orchestrator of an older epoch; the same id of the newer one runs', async () => {
    const operation = hub.operation('shop', { kind: 'apply', objects: [configMap('fenced', {})] });
    hub.deliver(operation, hub.epoch - 1);
    expect(await hub.result(operation.id)).toMatchObject({ state: 'rejected', code: 'SUPERSEDED' });
    hub.results.delete(operation.id);
    hub.deliver(operation);
    expect(await hub.result(operation.id)).toMatchObject({ state: 'succeeded' });
  });

  test('a kind the cluster does not serve is UNSUPPORTED with the way out', async () => {
    const object = ref('Nonsense', 'x', 'example.com/v1');
    const result = await hub.run('shop', { kind: 'get', object });
    expect(result).toMatchObject({ state: 'failed', code: 'UNSUPPORTED' });
    expect(result.message).toContain('CustomResourceDefinition');
  });

  test("an invalid object is INVALID in the API server's own words", async () => {
    const bad = { ...deployment('bad'), spec: { replicas: -1 } };
    const result = await hub.run('shop', { kind: 'apply', objects: [bad] });
    expect(result).toMatchObject({ state: 'failed', code: 'INVALID' });
    expect(result.message).toMatch(/Could not apply Deployment shop\/bad: .*invalid/);
  });

  test('a result that is larger than a message ends as TOO_LARGE', async () => {
    const big = Array.from({ length: 3 }, (_, at) => {
      const object = configMap(`big-${at}`, { blob: 'x'.repeat(400_000) });
      object.metadata.labels = { big: 'yes' };
      return object;
    });
    for (const object of big) await hub.value('shop', { kind: 'apply', objects: [object] });
    const spec = {
      kind: 'list',
      apiVersion: 'v1',
      objectKind: 'ConfigMap',
      namespace: 'shop',
      labelSelector: 'big=yes',
    } as const;
    expect(await hub.run('shop', spec)).toMatchObject({ state: 'failed', code: 'TOO_LARGE' });
  });
});
