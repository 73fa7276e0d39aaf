import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { KubeGate } from '../support/kube-gate.ts';
import { configMap, deployment } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { OperationSpec } from '../../src/protocol/operation.ts';
import type { Right } from '../../src/agent/operations/policy.ts';

let plane: ControlPlane;
let gate: KubeGate;
let hub: SmallHub;
let agent: TestAgent;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  gate = await KubeGate.open(plane.kubeconfig);
});

afterAll(async () => {
  await gate?.[Symbol.asyncDispose]();
  await plane?.stop();
});

const verbs = ['get', 'list', 'watch', 'create', 'patch', 'delete'] as const;
const all = (group: string, ...kinds: string[]): Right => ({ group, kinds, verbs });

async function connect(rights?: Right[]): Promise<void> {
  hub = await new SmallHub().listen();
  const server = `127.0.0.1:${hub.port}`;
  const namespaces = ['shop', 'fresh'];
  agent = await startAgent({ server, kubeconfig: gate.kubeconfig, namespaces, ...(rights && { policy: { rights } }) });
  await hub.connected();
}

afterEach(async () => {
  await agent.stop();
  await hub[Symbol.asyncDispose]();
});

const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function definition(plural: string, kind: string): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}

describe('apply of several objects', () => {
  test('a namespace, a kind and an object of that kind in it at once, each where a right names it', async () => {
    await connect([
      all('', 'Namespace', 'ConfigMap'),
      all('apiextensions.k8s.io', 'CustomResourceDefinition'),
      all('example.com', 'Gadget'),
    ]);
    const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'one' }, spec: {} };
    const objects = [gadget, configMap('web', {}), definition('gadgets', 'Gadget'), namespace('fresh')];
    const operation = hub.operation('fresh', { kind: 'apply', objects });
    hub.deliver(operation);
    const result = await hub.result(operation.id);
    expect(result).toMatchObject({ state: 'succeeded' });
    const { objects: applied } = result.value as { objects: KubeObject[] };
    expect(applied.map(({ kind }) => kind)).toEqual(['Gadget', 'ConfigMap', 'CustomResourceDefinition', 'Namespace']);
    const said = hub.progress.filter(({ id }) => id === operation.id).map(({ message }) => message);
    expect(said).toEqual([
      'applied 1 of 4: Namespace fresh',
      'applied 2 of 4: CustomResourceDefinition gadgets.example.com',
      'applied 3 of 4: Gadget fresh/one',
      'applied 4 of 4: ConfigMap fresh/web',
    ]);
    // The next one waits for its deadline and no longer: its names are another's.
    const taken = await hub.run('fresh', { kind: 'apply', objects: [definition('gadgets2', 'Gadget')] });
    expect(taken).toMatchObject({ state: 'failed', code: 'INVALID' });
    expect(taken.message).toMatch(/gadgets2.example.com is not served.*Another definition has its names/);
  });

  test('what lies in no namespace is refused where no right names it, and a namespace that is not an allowed one always', async () => {
    await connect();
    expect(await hub.run('shop', { kind: 'apply', objects: [namespace('shop')] })).toMatchObject({ code: 'POLICY' });
    await agent.stop();
    await hub[Symbol.asyncDispose]();
    await connect([all('', 'Namespace', 'ConfigMap')]);
    expect(await hub.run('shop', { kind: 'apply', objects: [namespace('other')] })).toMatchObject({ code: 'POLICY' });
    expect(await hub.run('shop', { kind: 'apply', objects: [namespace('shop')] })).toMatchObject({ code: 'OK' });
  });

  test('a failure in the middle says what was applied before it and what was not', async () => {
    await connect();
    const bad = { ...deployment('bad'), spec: { replicas: -1 } };
    const objects = [configMap('before', {}), bad, configMap('after', {})];
    const result = await hub.run('shop', { kind: 'apply', objects });
    expect(result).toMatchObject({ state: 'failed', code: 'INVALID' });
    expect(result.message).toMatch(
      /^Could not apply Deployment shop\/bad: .* Applied before it: ConfigMap shop\/before\. Not applied: ConfigMap shop\/after\.$/,
    );
    expect((await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/before')).status).toBe(200);
    expect((await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/after')).status).toBe(404);
  });

  test('one that is cancelled in the middle ends what it has begun, and says how far it came', async () => {
    await connect();
    const write = gate.hold('before', ({ method, path }) => method === 'PATCH' && path.includes('/mid-2'));
    const objects = [1, 2, 3].map((at) => configMap(`mid-${at}`, {}));
    const operation = hub.operation('shop', { kind: 'apply', objects });
    hub.deliver(operation);
    await write.arrived;
    hub.send({ body: 'cancel', cancel: { id: operation.id } });
    await hub.value('shop', { kind: 'get', object: { apiVersion: 'v1', kind: 'ConfigMap', name: 'mid-1' } });
    write.release();
    const result = await hub.result(operation.id);
    expect(result).toMatchObject({ state: 'cancelled', code: 'CANCELLED' });
    expect(result.message).toContain('Applied before it: ConfigMap shop/mid-1, ConfigMap shop/mid-2.');
    expect((await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/mid-3')).status).toBe(404);
  });
});

describe('only the object that was meant', () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'versioned' };

  test.each([
    ['get', (ref): OperationSpec => ({ kind: 'get', object: ref })],
    ['patch', (ref): OperationSpec => ({ kind: 'patch', object: ref, type: 'merge', body: { data: { b: '1' } } })],
    ['delete', (ref): OperationSpec => ({ kind: 'delete', object: ref, propagation: 'background' })],
  ] as [string, (ref: typeof object & { resourceVersion: string }) => OperationSpec][])(
    '%s of another resourceVersion is PRECONDITION, of that one it is done',
    async (_kind, specOf) => {
      await connect();
      const { objects } = await hub.value<{ objects: KubeObject[] }>('shop', {
        kind: 'apply',
        objects: [configMap('versioned', { a: '1' })],
        force: true,
      });
      const refused = await hub.run('shop', specOf({ ...object, resourceVersion: '1' }));
      expect(refused).toMatchObject({ state: 'failed', code: 'PRECONDITION' });
      expect(refused.message).toMatch(/Read it again/);
      const { resourceVersion = '' } = objects[0]!.metadata;
      expect(await hub.run('shop', specOf({ ...object, resourceVersion }))).toMatchObject({ code: 'OK' });
    },
  );

  test('scale as well', async () => {
    await connect();
    await hub.value('shop', { kind: 'apply', objects: [deployment('versioned')] });
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'versioned', resourceVersion: '1' };
    expect(await hub.run('shop', { kind: 'scale', object: ref, replicas: 1 })).toMatchObject({ code: 'PRECONDITION' });
  });
});

describe('list', () => {
  const pick = (fields?: string[]): OperationSpec => ({
    kind: 'list',
    apiVersion: 'v1',
    objectKind: 'ConfigMap',
    namespace: 'shop',
    labelSelector: 'large=yes',
    ...(fields && { fields }),
  });

  test('stops at what one result holds, before it has read the rest, and says how many it is; fewer fields fit', async () => {
    await connect();
    const blob = 'x'.repeat(90_000);
    const large = (at: number): KubeObject => {
      const object = configMap(`large-${String(at).padStart(3, '0')}`, { blob });
      return { ...object, metadata: { ...object.metadata, labels: { large: 'yes' } } };
    };
    await Promise.all(
      Array.from({ length: 110 }, (_, at) => plane.api.call('POST', '/api/v1/namespaces/shop/configmaps', large(at))),
    );
    gate.take();
    const result = await hub.run('shop', pick());
    expect(result).toMatchObject({ state: 'failed', code: 'TOO_LARGE' });
    expect(result.message).toMatch(/The first 9\d ConfigMap objects in shop make \d+ bytes.*labelSelector/);
    expect(gate.take().filter((each) => each.endsWith('/configmaps'))).toHaveLength(1);
    const { items } = await hub.value<{ items: KubeObject[] }>('shop', pick(['metadata.labels']));
    expect(items).toHaveLength(110);
    expect(items[0]).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'large-000',
        namespace: 'shop',
        uid: expect.any(String) as string,
        resourceVersion: expect.any(String) as string,
        labels: { large: 'yes' },
      },
    });
  });

  test("a Secret's data is in no field that can be asked for", async () => {
    await connect();
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, stringData: { password: 'hunter2' } };
    await hub.value('shop', { kind: 'apply', objects: [secret] });
    const fields = ['data', 'stringData', 'data.password', 'metadata.annotations', 'metadata.managedFields'];
    const spec = { kind: 'list', apiVersion: 'v1', objectKind: 'Secret', namespace: 'shop', fields } as const;
    const result = await hub.run('shop', spec);
    expect(result).toMatchObject({ state: 'succeeded', value: { items: [{ metadata: { name: 'key' } }] } });
    expect(JSON.stringify(result)).not.toMatch(/hunter2|aHVudGVyMg/);
  });
});
