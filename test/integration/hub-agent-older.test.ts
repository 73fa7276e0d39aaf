/** An agent two protocol versions older works against this hub, and this agent against a hub that is as old: by version and capabilities alone. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOperation } from '../../src/orchestrator/store/operations.ts';
import type { OperationKind, OperationSpec } from '../../src/protocol/operation.ts';
import { LIMITS, PROTOCOL_MAX } from '../../src/protocol/service.ts';
import { encodeSnapshot } from '../../src/protocol/snapshot-codec.ts';
import type { Watch } from '../../src/protocol/snapshot.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import { emptySnapshot } from '../support/empty-snapshot.ts';
import { HubBench } from '../support/hub-bench.ts';
import { configMap, deployment } from '../support/objects.ts';
import type { ScriptedAgent } from '../support/scripted-agent.ts';
import { SmallHub } from '../support/small-hub.ts';

const bench = new HubBench();
const object = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };

/** What an agent could do when the protocol was version 1. */
const THEN: Partial<Record<OperationKind, OperationSpec>> = {
  apply: { kind: 'apply', objects: [deployment('web')] },
  patch: { kind: 'patch', object, type: 'merge', body: { spec: { paused: true } } },
  scale: { kind: 'scale', object, replicas: 3 },
  delete: { kind: 'delete', object, propagation: 'background', waitGone: true },
  get: { kind: 'get', object },
  list: { kind: 'list', apiVersion: 'apps/v1', objectKind: 'Deployment', namespace: 'shop' },
  discover: { kind: 'discover', groups: ['apps'] },
  reviewAccess: { kind: 'reviewAccess', namespace: 'shop', rules: [{ group: '', resource: 'pods', verb: 'list' }] },
  logs: { kind: 'logs', namespace: 'shop', labelSelector: 'app=web', tailLines: 10 },
};

/** What has come since. */
const SINCE: OperationSpec[] = [
  { kind: 'http', method: 'GET', url: 'http://web.shop/', headers: {}, timeoutMs: 1000 },
  { kind: 'scrape', namespace: 'shop', labelSelector: 'app=web', port: 80, path: '/metrics', metrics: ['up'] },
  {
    kind: 'guard',
    holder: { ...object, apiVersion: 'split.smi-spec.io/v1alpha2', kind: 'TrafficSplit' },
    writes: [],
    rootService: 'web',
    stableService: 'web-stable',
    canaryService: 'web-canary',
    canaryHash: 'hash',
    minReady: 1,
    rollout: 'r',
  },
];

/** Speaks version 1 and nothing else, with the capabilities of then; of what it is sent it knows the fields of then. */
function older(): Promise<ScriptedAgent> {
  const capabilities = [...Object.keys(THEN), 'snapshot'];
  return bench
    .dial()
    .hello({ protocolMin: 1, protocolMax: 1, capabilities, agentVersion: '0.0.1', maxMessageBytes: 0 })
    .welcomed();
}

describe('an agent two protocol versions older', () => {
  it('is two versions older: this test is to move on with the protocol', () => {
    expect(PROTOCOL_MAX - 1).toBe(2);
  });

  it.each(Object.entries(THEN))('is sent %s in one message, and its answer counts', async (_kind, spec) => {
    const agent = await older();
    expect(agent.messages[0]?.welcome).toMatchObject({ protocol: 1, maxTotalBytes: 0 });
    agent.onOperation = (id) => {
      agent.send({ body: 'received', received: { ids: [id] } });
      agent.result(id, { value: { by: 'version 1' } });
    };
    const asked = bench.operation({ spec });
    expect(await bench.hub.execute('east', asked)).toMatchObject({ state: 'succeeded', value: { by: 'version 1' } });
    expect(agent.delivered(asked.id)?.spec).toBe(spec.kind);
    expect(agent.messages.some((message) => message.chunk)).toBe(false);
    await expect.poll(() => agent.stored).toEqual([asked.id]);
  });

  it.each(SINCE.map((spec) => [spec.kind, spec] as const))(
    'is not sent %s: that ends as UNSUPPORTED, and says what to do',
    async (kind, spec) => {
      const agent = await older();
      const refused = await bench.hub.execute('east', bench.operation({ spec }));
      expect(refused).toMatchObject({ state: 'rejected', code: 'UNSUPPORTED' });
      expect(refused.message).toMatch(new RegExp(`${kind}.*[Uu]pgrade|[Uu]pgrade.*${kind}`, 's'));
      agent.onOperation = (id) => agent.result(id);
      expect((await bench.hub.execute('east', bench.operation())).state).toBe('succeeded');
      expect(agent.operations).toHaveLength(1);
    },
  );

  it('is watched by like a newer one, and what it sees counts', async () => {
    const watch: Watch = {
      id: 'w',
      namespace: 'shop',
      deployment: 'web',
      services: [],
      routes: [],
      profiles: [],
      jobs: [],
    };
    bench.hub.watch('east', watch);
    const agent = await older();
    await expect.poll(() => agent.watches).toEqual(['w']);
    agent.send({ body: 'snapshot', snapshot: encodeSnapshot(emptySnapshot('w', 3)) });
    await expect.poll(() => bench.hub.latest('w')?.version).toBe(3);
  });

  it('is sent what it does not name after a cut once more, and one result is stored', async () => {
    const first = await older();
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => first.operations).toEqual([asked.id]);
    first.cut();
    const again = await older();
    await expect.poll(() => again.operations).toEqual([asked.id]);
    again.result(asked.id, { value: { done: 'once' } });
    expect(await answer).toMatchObject({ state: 'succeeded', value: { done: 'once' } });
    expect((await readOperation(bench.store, asked.id))?.state).toBe('succeeded');
  });
});

describe('this agent at a hub of version 1, which knows no chunks', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane();
    await plane.token('shop', 'somebody');
    for (const name of ['one', 'two']) {
      const { status } = await plane.api.call(
        'POST',
        '/api/v1/namespaces/shop/configmaps',
        configMap(name, { text: 'x'.repeat(700_000) }),
      );
      expect(status).toBe(201);
    }
  });

  afterAll(async () => plane?.stop());

  it('sends a result above the size of a chunk in one message; one above the limit of all ends as TOO_LARGE', async () => {
    await using hub = await new SmallHub().listen();
    const [server, { kubeconfig }] = [`127.0.0.1:${hub.port}`, plane];
    await using _agent = await startAgent({ server, kubeconfig, namespaces: ['shop'] });
    await hub.connected();
    let chunks = 0;
    hub.stream?.on('data', (message) => (chunks += message.chunk ? 1 : 0));
    const one = { apiVersion: 'v1', kind: 'ConfigMap', name: 'one' };
    const got = await hub.value<{ object: { data: { text: string } } }>('shop', { kind: 'get', object: one });
    expect(got.object.data.text.length).toBeGreaterThan(LIMITS.chunkBytes);
    const both = await hub.run('shop', { kind: 'list', apiVersion: 'v1', objectKind: 'ConfigMap', namespace: 'shop' });
    expect(both).toMatchObject({ state: 'failed', code: 'TOO_LARGE' });
    expect(both.message).toContain(`at most ${LIMITS.maxMessageBytes}`);
    expect(both.value).toBeUndefined();
    // The session has taken no harm of it.
    expect(await hub.run('shop', { kind: 'get', object: one })).toMatchObject({ state: 'succeeded' });
    expect(hub.hellos).toHaveLength(1);
    expect(chunks).toBe(0);
  });
});
