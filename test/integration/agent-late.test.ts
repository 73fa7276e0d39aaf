import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { startAgentProcess } from '../support/agent-process.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { KubeGate } from '../support/kube-gate.ts';
import type { Seen } from '../support/kube-gate.ts';
import { configMap } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { OperationSpec } from '../../src/protocol/operation.ts';

let plane: ControlPlane;
let gate: KubeGate;
let hub: SmallHub;
let agent: TestAgent | undefined;
let folder: string;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-agent-late-'));
  gate = await KubeGate.open(plane.kubeconfig);
  hub = await new SmallHub().listen();
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  await hub[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

afterAll(async () => plane?.stop());

async function connect(): Promise<void> {
  agent = await startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig: gate.kubeconfig, namespaces: ['shop'] });
  await hub.connected();
}

/** One that can be stopped: its own process. */
async function startProcess(): Promise<AgentProcess> {
  const credential = join(folder, 'credential.json');
  await writeFile(credential, JSON.stringify({ account: 'test', token: 't' }), { mode: 0o600 });
  return startAgentProcess({
    SLUICE_SERVER: `127.0.0.1:${hub.port}`,
    SLUICE_INSECURE_LOOPBACK: '1',
    SLUICE_CREDENTIAL_FILE: credential,
    SLUICE_ALLOWED_NAMESPACES: 'shop',
    SLUICE_KUBECONFIG: gate.kubeconfig,
  });
}

const writesTo =
  (name: string) =>
  ({ method, path }: Seen): boolean =>
    method === 'PATCH' && path.includes(`/configmaps/${name}`);

const lookAt =
  (name: string) =>
  ({ method, path }: Seen): boolean =>
    method === 'GET' && path.includes(`/configmaps/${name}`);

const ref = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name });

const patch = (name: string): OperationSpec => ({
  kind: 'patch',
  object: ref(name),
  type: 'merge',
  body: { data: { a: '2' } },
});

async function valueOf(name: string): Promise<string | undefined> {
  const { body } = await plane.api.call('GET', `/api/v1/namespaces/shop/configmaps/${name}`);
  return (body as { data?: { a: string } }).data?.a;
}

async function make(name: string): Promise<void> {
  await plane.api.call('POST', '/api/v1/namespaces/shop/configmaps', configMap(name, { a: '1' }));
}

describe('nothing is written late', () => {
  test('a process that was stopped between its look and its write, past the deadline, does not write', async () => {
    await make('frozen');
    await using child = await startProcess();
    await hub.connected();
    const look = gate.hold('before', lookAt('frozen'));
    const operation = hub.operation('shop', patch('frozen'), { notAfterMs: Date.now() + 5000 });
    hub.deliver(operation);
    await look.arrived;
    child.kill('SIGSTOP');
    // Its answer lies in the socket before the deadline; who reads it only later must not act on it.
    look.release();
    await new Promise((resolve) => setTimeout(resolve, operation.notAfterMs - Date.now() + 200));
    child.kill('SIGCONT');
    const result = await hub.result(operation.id);
    expect(result).toMatchObject({ state: 'expired', code: 'EXPIRED' });
    expect(result.message).toContain('Nothing was written');
    expect(gate.requests.filter(writesTo('frozen'))).toEqual([]);
    expect(await valueOf('frozen')).toBe('1');
  });

  test.each([
    ['a later operation', 'superseded', 1],
    ['this very operation', 'succeeded', 0],
  ])(
    'a process that was stopped for long looks again: %s was done by its successor meanwhile',
    async (_who, state, later) => {
      const name = `taken-over-${later}`;
      await make(name);
      await using child = await startProcess();
      await hub.connected();
      const look = gate.hold('after', lookAt(name));
      const operation = hub.operation('shop', patch(name));
      hub.deliver(operation);
      await look.arrived;
      child.kill('SIGSTOP');
      look.release();
      const successor = { ...configMap(name, { a: '3' }) };
      successor.metadata.annotations = { 'sluice.dev/generation': String((operation.generation ?? 0) + later) };
      await plane.api.call('PUT', `/api/v1/namespaces/shop/configmaps/${name}`, successor);
      await new Promise((resolve) => setTimeout(resolve, 5500));
      child.kill('SIGCONT');
      expect(await hub.result(operation.id)).toMatchObject({ state });
      expect(gate.requests.filter(writesTo(name))).toEqual([]);
      expect(await valueOf(name)).toBe('3');
    },
  );

  test('a second try after a broken one is not made past the deadline', async () => {
    await make('retry');
    await connect();
    await hub.value('shop', { kind: 'get', object: ref('retry') });
    const first = gate.hold('before', writesTo('retry'));
    const operation = hub.operation('shop', patch('retry'), { notAfterMs: Date.now() + 400 });
    hub.deliver(operation);
    await first.arrived;
    await new Promise((resolve) => setTimeout(resolve, 500));
    first.cut();
    // It was sent once: whether it was done the agent cannot know before it looks, and it was not.
    expect(await hub.result(operation.id)).toMatchObject({ state: 'failed', code: 'TIMEOUT' });
    expect(gate.requests.filter(writesTo('retry'))).toHaveLength(1);
    expect(await valueOf('retry')).toBe('1');
  });

  test('what is cancelled between its look and its write is not written', async () => {
    await make('taken-back');
    await connect();
    const look = gate.hold('after', lookAt('taken-back'));
    const operation = hub.operation('shop', patch('taken-back'));
    hub.deliver(operation);
    await look.arrived;
    hub.send({ body: 'cancel', cancel: { id: operation.id } });
    expect(await hub.result(operation.id)).toMatchObject({ state: 'cancelled', code: 'CANCELLED' });
    look.release();
    expect(gate.requests.filter(writesTo('taken-back'))).toEqual([]);
  });
});

describe('of two agents that have looked', () => {
  test('one appends, the other learns it from the write itself', async () => {
    await make('both');
    await connect();
    const append: OperationSpec = {
      kind: 'patch',
      object: ref('both'),
      type: 'json',
      body: [{ op: 'add', path: '/data/a', value: '2' }],
    };
    const write = gate.hold('before', writesTo('both'));
    const operation = hub.operation('shop', append);
    hub.deliver(operation);
    await write.arrived;
    // The other one was a moment faster.
    const done = configMap('both', { a: '2', by: 'the other' });
    done.metadata.annotations = { 'sluice.dev/generation': String(operation.generation) };
    await plane.api.call('PUT', '/api/v1/namespaces/shop/configmaps/both', done);
    const before = (await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/both')).body;
    write.release();
    expect(await hub.result(operation.id)).toMatchObject({
      state: 'succeeded',
      value: { object: { data: { by: 'the other' } } },
    });
    expect((await plane.api.call('GET', '/api/v1/namespaces/shop/configmaps/both')).body).toEqual(before);
  });
});

describe('what is on its way is not torn', () => {
  test('a write that was sent when its cancellation came ends as it ends', async () => {
    await make('sent');
    await connect();
    await hub.value('shop', { kind: 'get', object: ref('sent') });
    const write = gate.hold('before', writesTo('sent'));
    const operation = hub.operation('shop', patch('sent'));
    hub.deliver(operation);
    await write.arrived;
    hub.send({ body: 'cancel', cancel: { id: operation.id } });
    await hub.value('shop', { kind: 'get', object: ref('sent') });
    expect(hub.results.has(operation.id)).toBe(false);
    write.release();
    expect(await hub.result(operation.id)).toMatchObject({ state: 'succeeded', code: 'OK' });
    expect(await valueOf('sent')).toBe('2');
  });

  test('so does one whose deadline passes; a refusal is told as one', async () => {
    await make('deadline');
    await connect();
    await hub.value('shop', { kind: 'get', object: ref('deadline') });
    for (const [body, code] of [
      [{ data: { a: '2' } }, 'OK'],
      [{ data: { 'not a key': '2' } }, 'INVALID'],
    ] as const) {
      const write = gate.hold('before', writesTo('deadline'));
      const spec = { kind: 'patch', object: ref('deadline'), type: 'merge', body } as const;
      const operation = hub.operation('shop', spec, { notAfterMs: Date.now() + 300 });
      hub.deliver(operation);
      await write.arrived;
      await new Promise((resolve) => setTimeout(resolve, 400));
      write.release();
      expect(await hub.result(operation.id)).toMatchObject({ code });
    }
  });

  test('a read that runs is interrupted at once', async () => {
    await make('slow');
    await connect();
    const read = gate.hold('after', lookAt('slow'));
    const operation = hub.operation('shop', { kind: 'get', object: ref('slow') });
    hub.deliver(operation);
    await read.arrived;
    hub.send({ body: 'cancel', cancel: { id: operation.id } });
    expect(await hub.result(operation.id)).toMatchObject({ state: 'cancelled', code: 'CANCELLED' });
    read.release();
  });
});
