/** The hub: one session per account counts, every operation is delivered until its result is stored, and only its own agent can give it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import type { Operation } from '../../src/protocol/operation.ts';
import type { Snapshot, Watch } from '../../src/protocol/snapshot.ts';
import { encodeSnapshot } from '../../src/protocol/snapshot-codec.ts';
import { Hub } from '../../src/orchestrator/hub/hub.ts';
import { startHubServer } from '../../src/orchestrator/hub/server.ts';
import type { HubServer } from '../../src/orchestrator/hub/server.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import { addAgent } from '../../src/orchestrator/security/credential.ts';
import type { AgentCredential } from '../../src/orchestrator/security/credential.ts';
import type { Authority } from '../../src/orchestrator/security/authority.ts';
import { listAgents, revokeAgent } from '../../src/orchestrator/store/agents.ts';
import { readOperation } from '../../src/orchestrator/store/operations.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import type { OpenStore } from '../../src/orchestrator/store/store.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';
import type { Presents } from '../support/scripted-agent.ts';

let folder: string;
let store: OpenStore;
let authority: Authority;
let hub: Hub;
let server: HubServer;
let east: AgentCredential;
let agents: ScriptedAgent[] = [];
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-hub-'));
  store = await openStore({ dataDir: folder, log: silentLog });
  authority = await loadAuthority({ dataDir: folder, hosts: ['orchestrator.example'], now: Date.now });
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await store.pool.query('truncate sluice.operation, sluice.agent');
  east = await addAgent(store, authority, '127.0.0.1:0', 'east');
  await start();
});

afterEach(async () => {
  for (const agent of agents) agent.cut();
  agents = [];
  await server.stop();
});

async function start({ tls = false, heartbeatMs = 15_000 } = {}): Promise<void> {
  hub = new Hub({ store, clock: systemClock, log: silentLog, heartbeatMs });
  await hub.start();
  server = await startHubServer({
    hub,
    address: { host: '127.0.0.1', port: 0 },
    authority: tls ? authority : undefined,
  });
}

async function restart(options: Parameters<typeof start>[0] = {}): Promise<void> {
  await server.stop();
  await start(options);
}

function dial(presents: Presents = { token: east.token }): ScriptedAgent {
  const agent = new ScriptedAgent(server.port, presents);
  agents.push(agent);
  return agent;
}

function operation(fields: Partial<Operation> = {}): Operation {
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'shop' };
  return {
    id: `op-${++count}`,
    deploymentId: 'dep_1',
    namespace: 'shop',
    notAfterMs: Date.now() + 60_000,
    spec: { kind: 'get', object },
    ...fields,
  };
}

const WATCH: Watch = {
  id: 'w',
  namespace: 'shop',
  deployment: 'web',
  services: ['web'],
  routes: [],
  profiles: [],
  jobs: [],
};
const SNAPSHOT: Snapshot = {
  watchId: 'w',
  version: 1,
  atMs: 1,
  complete: true,
  stale: false,
  staleReason: '',
  replicaSets: [],
  pods: [],
  endpoints: [],
  routes: [],
  profiles: [],
  jobs: [],
};

test('an operation is stored, sent, and its result stored before the agent may forget it', async () => {
  const agent = await dial().hello().welcomed();
  const asked = operation();
  const answer = hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  expect((await readOperation(store, asked.id))?.state).toBe('open');
  agent.result(asked.id, { value: { object: { kind: 'Deployment' } } });
  expect(await answer).toMatchObject({ id: asked.id, state: 'succeeded', value: { object: { kind: 'Deployment' } } });
  await expect.poll(() => agent.stored).toEqual([asked.id]);
  expect((await readOperation(store, asked.id))?.state).toBe('succeeded');
  expect(await hub.execute('east', asked)).toMatchObject({ state: 'succeeded' });
  expect(agent.operations).toEqual([asked.id]);
});

test('asked twice at once an operation is sent once, and both hear its end', async () => {
  const agent = await dial().hello().welcomed();
  const asked = operation();
  const answers = [hub.execute('east', asked), hub.execute('east', asked)];
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  agent.result(asked.id, { state: 'failed', code: 'CONFLICT', message: 'kubectl owns it', value: undefined });
  expect((await Promise.all(answers)).map((result) => result.code)).toEqual(['CONFLICT', 'CONFLICT']);
});

test('what was asked while no agent was there is sent when one comes, oldest first', async () => {
  const [first, second] = [operation(), operation()];
  const answers = [hub.execute('east', first)];
  await expect.poll(async () => readOperation(store, first.id)).toBeDefined();
  answers.push(hub.execute('east', second));
  const agent = await dial().hello().welcomed();
  agent.onOperation = (id) => agent.result(id);
  for (const id of agent.operations) agent.result(id);
  await Promise.all(answers);
  expect(agent.operations).toEqual([first.id, second.id]);
});

test('after a cut only what the agent does not have is sent again, and a result from before the cut is taken', async () => {
  const first = await dial().hello().welcomed();
  const [kept, lost] = [operation(), operation()];
  const answers = [hub.execute('east', kept), hub.execute('east', lost)];
  await expect.poll(() => first.operations.length).toBe(2);
  const { epoch } = first;
  first.cut();
  await expect.poll(() => hub.isConnected('east')).toBe(false);
  const second = await dial()
    .hello({ lastEpoch: epoch, openOperations: [{ id: kept.id, state: 'RUNNING' }] })
    .welcomed();
  expect(second.epoch).toBeGreaterThan(epoch);
  await expect.poll(() => second.operations).toEqual([lost.id]);
  second.result(kept.id, {}, epoch);
  second.result(lost.id);
  expect((await Promise.all(answers)).map((result) => result.state)).toEqual(['succeeded', 'succeeded']);
  await expect.poll(() => second.stored.toSorted()).toEqual([kept.id, lost.id].toSorted());
});

test('an orchestrator that was restarted takes up open operations, and who asks again gets the one answer', async () => {
  const first = await dial().hello().welcomed();
  const asked = operation();
  void hub.execute('east', asked);
  await expect.poll(() => first.operations).toEqual([asked.id]);
  await restart();
  const second = await dial()
    .hello({ openOperations: [{ id: asked.id, state: 'SUCCEEDED' }] })
    .welcomed();
  second.result(asked.id);
  await expect.poll(() => second.stored).toEqual([asked.id]);
  expect(second.operations).toEqual([]);
  expect(await hub.execute('east', { ...asked, notAfterMs: Date.now() + 120_000 })).toMatchObject({
    state: 'succeeded',
  });
});

test('no more operations are in flight than the agent takes', async () => {
  const agent = await dial().hello({ credit: 2 }).welcomed();
  const asked = Array.from({ length: 5 }, () => operation());
  const answers = asked.map((each) => hub.execute('east', each));
  await expect.poll(() => agent.operations.length).toBe(2);
  await expect.poll(async () => (await store.pool.query('select 1 from sluice.operation')).rowCount).toBe(5);
  expect(agent.operations).toHaveLength(2);
  agent.onOperation = (id) => agent.result(id);
  for (const id of [...agent.operations]) agent.result(id);
  await Promise.all(answers);
  expect(agent.operations).toHaveLength(5);
});

test('an agent that stops is sent nothing more, and what it did not take goes to the next', async () => {
  const first = await dial().hello().welcomed();
  first.send({ body: 'draining', draining: { reason: 'SIGTERM' } });
  first.send({ body: 'heartbeat', heartbeat: {} });
  const asked = operation();
  await expect.poll(async () => hub.isConnected('east')).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const answer = hub.execute('east', asked);
  await expect.poll(async () => readOperation(store, asked.id)).toBeDefined();
  first.stream.end();
  await expect.poll(() => hub.isConnected('east')).toBe(false);
  expect(first.operations).toEqual([]);
  const second = await dial().hello().welcomed();
  second.onOperation = (id) => second.result(id);
  for (const id of second.operations) second.result(id);
  expect((await answer).state).toBe('succeeded');
});

test('an operation that no agent could begin in time expires, and says that nothing was done', async () => {
  const answer = await hub.execute('east', operation({ notAfterMs: Date.now() + 50 }));
  expect(answer).toMatchObject({
    state: 'expired',
    code: 'EXPIRED',
    message: expect.stringContaining('Nothing was done'),
  });
});

test('one that was sent is not called expired while its agent may still say how it ended', async () => {
  const agent = await dial().hello().welcomed();
  const asked = operation({ notAfterMs: Date.now() + 100 });
  const answer = hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  await new Promise((resolve) => setTimeout(resolve, 250));
  agent.result(asked.id);
  expect((await answer).state).toBe('succeeded');
});

test('a kind the agent does not know, and an operation that is too large, are rejected and sent to nobody', async () => {
  const agent = await dial()
    .hello({ capabilities: ['apply'], maxMessageBytes: 10_000 })
    .welcomed();
  expect(await hub.execute('east', operation())).toMatchObject({ state: 'rejected', code: 'UNSUPPORTED' });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'big' }, data: { text: 'x'.repeat(20_000) } };
  expect(await hub.execute('east', operation({ spec: { kind: 'apply', objects: [object] } }))).toMatchObject({
    state: 'rejected',
    code: 'TOO_LARGE',
  });
  expect(agent.operations).toEqual([]);
  expect(hub.isConnected('east')).toBe(true);
});

test('a caller may give up waiting; the operation goes on', async () => {
  const agent = await dial().hello().welcomed();
  const asked = operation();
  const caller = new AbortController();
  const answer = hub.execute('east', asked, caller.signal);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  caller.abort();
  await expect(answer).rejects.toThrow('aborted');
  agent.result(asked.id);
  expect((await hub.execute('east', asked)).state).toBe('succeeded');
});

test('the newer session counts: the older is told why, and its results are not heard', async () => {
  const first = await dial().hello({ instanceId: 'pod-1' }).welcomed();
  const asked = operation();
  const answer = hub.execute('east', asked);
  await expect.poll(() => first.operations).toEqual([asked.id]);
  const second = await dial().hello({ instanceId: 'pod-2' }).welcomed();
  await expect.poll(() => first.goAway).toContain('pod-2');
  await expect.poll(() => second.operations).toEqual([asked.id]);
  second.result(asked.id, { value: { from: 'pod-2' } });
  expect((await answer).value).toEqual({ from: 'pod-2' });
  await expect.poll(() => first.end).toBe('CLOSED');
  expect((await listAgents(store))[0]).toMatchObject({ instanceId: 'pod-2', disconnectedAt: null });
});

test('an agent cannot answer for another account, nor show it anything', async () => {
  const west = await addAgent(store, authority, '127.0.0.1:0', 'west');
  const agent = await dial().hello().welcomed();
  const other = await dial({ token: west.token }).hello().welcomed();
  hub.watch('east', WATCH);
  const asked = operation();
  const answer = hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  other.result(asked.id, { value: { forged: true } });
  other.send({ body: 'snapshot', snapshot: encodeSnapshot(SNAPSHOT) });
  await expect.poll(() => other.stored).toEqual([asked.id]);
  expect((await readOperation(store, asked.id))?.state).toBe('open');
  expect(hub.latest('w')).toBeUndefined();
  agent.result(asked.id);
  expect((await answer).value).toEqual({ ok: true });
});

test('watches go to the agent at each session, and what it saw is forgotten while it is away', async () => {
  hub.watch('east', WATCH);
  const first = await dial().hello().welcomed();
  await expect.poll(() => first.watches).toEqual(['w']);
  const seen: (number | undefined)[] = [];
  const stop = hub.onSnapshot('w', (snapshot) => seen.push(snapshot?.version));
  first.send({ body: 'snapshot', snapshot: encodeSnapshot(SNAPSHOT) });
  await expect.poll(() => hub.latest('w')?.version).toBe(1);
  hub.watch('east', { ...WATCH, id: 'w2' });
  hub.watch('east', { ...WATCH, id: 'w3' });
  await expect.poll(() => first.watches).toEqual(['w', 'w2', 'w3']);
  expect(first.messages.filter((message) => message.watchSet)).toHaveLength(2);
  first.cut();
  await expect.poll(() => seen).toEqual([1, undefined]);
  expect(hub.latest('w')).toBeUndefined();
  hub.unwatch('east', 'w2');
  const second = await dial().hello().welcomed();
  await expect.poll(() => second.watches).toEqual(['w', 'w3']);
  second.send({ body: 'snapshot', snapshot: encodeSnapshot({ ...SNAPSHOT, version: 2 }) });
  await expect.poll(() => seen).toEqual([1, undefined, 2]);
  stop();
});

test('a session without heartbeats ends after three', async () => {
  await restart({ heartbeatMs: 40 });
  const silent = await dial().hello().welcomed();
  expect(hub.isConnected('east')).toBe(true);
  await expect.poll(() => hub.isConnected('east')).toBe(false);
  await expect.poll(async () => (await listAgents(store))[0]?.disconnectReason).toBe('3 heartbeats missed');
  expect(silent.messages.filter((message) => message.heartbeat).length).toBeGreaterThanOrEqual(3);
});

test.each([
  ['no credential', {}],
  ['a token nobody has', { token: 'sluice_made-up' }],
])('%s is refused', async (_what, presents) => {
  const agent = dial(presents).hello();
  await expect.poll(() => agent.end).toMatch(/^UNAUTHENTICATED: /);
});

test('a revoked or replaced credential is refused, and a protocol of the future too', async () => {
  const future = dial().hello({ protocolMin: 7, protocolMax: 9 });
  await expect.poll(() => future.refused).toBe('VERSION');
  const live = await dial().hello().welcomed();
  await revokeAgent(store, 'east');
  hub.endSession('east', 'its credential was revoked');
  await expect.poll(() => live.goAway).toBe('its credential was revoked');
  const again = dial().hello();
  await expect.poll(() => again.end).toMatch(/^UNAUTHENTICATED: .*revoked/);
  const renewed = await addAgent(store, authority, '127.0.0.1:0', 'east');
  await dial({ token: renewed.token }).hello().welcomed();
  const old = dial().hello();
  await expect.poll(() => old.end).toMatch(/^UNAUTHENTICATED/);
});

test('over TLS the certificate is the identity: a token is not heard, an old or foreign certificate is refused', async () => {
  await restart({ tls: true });
  const tls = { ca: east.ca, certificate: east.certificate, key: east.key };
  const agent = await dial({ tls }).hello().welcomed();
  const asked = operation();
  const answer = hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  agent.result(asked.id);
  expect((await answer).state).toBe('succeeded');

  const bare = dial({ tls: { ca: east.ca }, token: east.token }).hello();
  await expect.poll(() => bare.end, { timeout: 5_000 }).toMatch(/^UNA/);
  const foreign = await loadAuthority({ dataDir: join(folder, 'foreign'), hosts: [], now: Date.now });
  const forged = await foreign.issueAgent('east');
  const stranger = dial({ tls: { ca: east.ca, certificate: forged.certificate, key: forged.key } }).hello();
  await expect.poll(() => stranger.end, { timeout: 5_000 }).toMatch(/^UNAVAILABLE/);
  await addAgent(store, authority, '127.0.0.1:0', 'east');
  const old = dial({ tls }).hello();
  await expect.poll(() => old.end).toMatch(/^UNAUTHENTICATED: .*replaced/);
});

test('a planned stop tells every agent and leaves no stream behind', async () => {
  const agent = await dial().hello().welcomed();
  const started = performance.now();
  await server.stop();
  expect(performance.now() - started).toBeLessThan(3_000);
  await expect.poll(() => agent.goAway).toBe('the orchestrator stops');
  await expect.poll(() => agent.end).toBeDefined();
  await start();
});

test('without TLS nothing but loopback is served', async () => {
  const address = { host: '0.0.0.0', port: 0 };
  await expect(startHubServer({ hub, address, authority: undefined })).rejects.toMatchObject({
    code: 'PLAINTEXT_NOT_LOOPBACK',
  });
});

test('an operation reaches its agent in milliseconds (printed, not judged)', async () => {
  const agent = await dial().hello({ credit: 64 }).welcomed();
  const there: number[] = [];
  const back: number[] = [];
  for (let index = 0; index < 100; index++) {
    const asked = operation();
    const started = performance.now();
    agent.onOperation = (id) => {
      there.push(performance.now() - started);
      agent.result(id);
    };
    await hub.execute('east', asked);
    back.push(performance.now() - started);
  }
  const at = (times: number[], share: number): string =>
    (times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0).toFixed(2);
  process.stdout.write(
    `execute to agent: p50 ${at(there, 0.5)} ms, p99 ${at(there, 0.99)} ms; to stored result: p50 ${at(back, 0.5)} ms, p99 ${at(back, 0.99)} ms (n 100)\n`,
  );
  expect(there).toHaveLength(100);
});
