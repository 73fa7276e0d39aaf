/** The hub: one session per account counts, every operation is delivered until its result is stored, and only its own agent can give it. */

import { emptySnapshot } from '../support/empty-snapshot.ts';
import { expect, test } from 'vitest';
import type { Snapshot, Watch } from '../../src/protocol/snapshot.ts';
import { encodeSnapshot } from '../../src/protocol/snapshot-codec.ts';
import { listAgents } from '../../src/orchestrator/store/agents.ts';
import { readOperation } from '../../src/orchestrator/store/operations.ts';
import { HubBench } from '../support/hub-bench.ts';

const bench = new HubBench();

const WATCH: Watch = {
  id: 'w',
  namespace: 'shop',
  deployment: 'web',
  services: ['web'],
  routes: [],
  profiles: [],
  jobs: [],
};
const SNAPSHOT: Snapshot = emptySnapshot('w');

test('an operation is stored, sent, and its result stored before the agent may forget it', async () => {
  const agent = await bench.dial().hello().welcomed();
  const asked = bench.operation();
  const answer = bench.hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  expect((await readOperation(bench.store, asked.id))?.state).toBe('open');
  agent.result(asked.id, { value: { object: { kind: 'Deployment' } } });
  expect(await answer).toMatchObject({ id: asked.id, state: 'succeeded', value: { object: { kind: 'Deployment' } } });
  await expect.poll(() => agent.stored).toEqual([asked.id]);
  expect((await readOperation(bench.store, asked.id))?.state).toBe('succeeded');
  expect(await bench.hub.execute('east', asked)).toMatchObject({ state: 'succeeded' });
  expect(agent.operations).toEqual([asked.id]);
});

test('asked twice at once an operation is sent once, and both hear its end', async () => {
  const agent = await bench.dial().hello().welcomed();
  const asked = bench.operation();
  const answers = [bench.hub.execute('east', asked), bench.hub.execute('east', asked)];
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  agent.result(asked.id, { state: 'failed', code: 'CONFLICT', message: 'kubectl owns it', value: undefined });
  expect((await Promise.all(answers)).map((result) => result.code)).toEqual(['CONFLICT', 'CONFLICT']);
});

test('what was asked while no agent was there is sent when one comes, oldest first', async () => {
  const [first, second] = [bench.operation(), bench.operation()];
  const answers = [bench.hub.execute('east', first)];
  await expect.poll(async () => readOperation(bench.store, first.id)).toBeDefined();
  answers.push(bench.hub.execute('east', second));
  const agent = await bench.dial().hello().welcomed();
  agent.onOperation = (id) => agent.result(id);
  for (const id of agent.operations) agent.result(id);
  await Promise.all(answers);
  expect(agent.operations).toEqual([first.id, second.id]);
});

test('an operation whose storing is under way when its agent comes is sent once, and stored first', async () => {
  // The store is held up, so that the agent comes in between.
  const holder = await bench.store.pool.connect();
  await holder.query('begin; lock table sluice.operation in share mode');
  const asked = bench.operation();
  const answer = bench.hub.execute('east', asked);
  const agent = await bench.dial().hello().welcomed();
  try {
    await expect.poll(() => agent.watches).toEqual([]);
    expect(agent.operations).toEqual([]);
  } finally {
    await holder.query('commit');
    holder.release();
  }
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  agent.result(asked.id);
  expect((await answer).state).toBe('succeeded');
  expect(agent.operations).toEqual([asked.id]);
});

test('after a cut only what the agent does not have is sent again, and a result from before the cut is taken', async () => {
  const first = await bench.dial().hello().welcomed();
  const [kept, lost] = [bench.operation(), bench.operation()];
  const answers = [bench.hub.execute('east', kept), bench.hub.execute('east', lost)];
  await expect.poll(() => first.operations.length).toBe(2);
  const { epoch } = first;
  first.cut();
  await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
  const second = await bench
    .dial()
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
  const first = await bench.dial().hello().welcomed();
  const asked = bench.operation();
  void bench.hub.execute('east', asked);
  await expect.poll(() => first.operations).toEqual([asked.id]);
  await bench.restart();
  const second = await bench
    .dial()
    .hello({ openOperations: [{ id: asked.id, state: 'SUCCEEDED' }] })
    .welcomed();
  second.result(asked.id);
  await expect.poll(() => second.stored).toEqual([asked.id]);
  expect(second.operations).toEqual([]);
  expect(await bench.hub.execute('east', { ...asked, notAfterMs: Date.now() + 120_000 })).toMatchObject({
    state: 'succeeded',
  });
});

test('no more operations are in flight than the agent takes', async () => {
  const agent = await bench.dial().hello({ credit: 2 }).welcomed();
  const asked = Array.from({ length: 5 }, () => bench.operation());
  const answers = asked.map((each) => bench.hub.execute('east', each));
  await expect.poll(() => agent.operations.length).toBe(2);
  await expect.poll(async () => (await bench.store.pool.query('select 1 from sluice.operation')).rowCount).toBe(5);
  expect(agent.operations).toHaveLength(2);
  agent.onOperation = (id) => agent.result(id);
  for (const id of agent.operations) agent.result(id);
  await Promise.all(answers);
  expect(agent.operations).toHaveLength(5);
});

test('an agent that stops is sent nothing more, and what it did not take goes to the next', async () => {
  const first = await bench.dial().hello().welcomed();
  first.send({ body: 'draining', draining: { reason: 'SIGTERM' } });
  first.send({ body: 'heartbeat', heartbeat: {} });
  const asked = bench.operation();
  await expect.poll(async () => bench.hub.isConnected('east')).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const answer = bench.hub.execute('east', asked);
  await expect.poll(async () => readOperation(bench.store, asked.id)).toBeDefined();
  first.stream.end();
  await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
  expect(first.operations).toEqual([]);
  const second = await bench.dial().hello().welcomed();
  second.onOperation = (id) => second.result(id);
  for (const id of second.operations) second.result(id);
  expect((await answer).state).toBe('succeeded');
});

test('an operation that no agent could begin in time expires, and says that nothing was done', async () => {
  const answer = await bench.hub.execute('east', bench.operation({ notAfterMs: Date.now() + 50 }));
  expect(answer).toMatchObject({
    state: 'expired',
    code: 'EXPIRED',
    message: expect.stringContaining('Nothing was done'),
  });
});

test('one that was sent is not called expired while its agent may still say how it ended', async () => {
  const agent = await bench.dial().hello().welcomed();
  const asked = bench.operation({ notAfterMs: Date.now() + 100 });
  const answer = bench.hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  await new Promise((resolve) => setTimeout(resolve, 250));
  agent.result(asked.id);
  expect((await answer).state).toBe('succeeded');
});

test('a kind the agent does not know, and an operation that is too large, are rejected and sent to nobody', async () => {
  const agent = await bench
    .dial()
    .hello({ capabilities: ['apply'], maxMessageBytes: 10_000 })
    .welcomed();
  expect(await bench.hub.execute('east', bench.operation())).toMatchObject({ state: 'rejected', code: 'UNSUPPORTED' });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'big' }, data: { text: 'x'.repeat(20_000) } };
  expect(
    await bench.hub.execute('east', bench.operation({ spec: { kind: 'apply', objects: [object] } })),
  ).toMatchObject({
    state: 'rejected',
    code: 'TOO_LARGE',
  });
  expect(agent.operations).toEqual([]);
  expect(bench.hub.isConnected('east')).toBe(true);
});

test('a caller may give up waiting; the operation goes on', async () => {
  const agent = await bench.dial().hello().welcomed();
  const asked = bench.operation();
  const caller = new AbortController();
  const answer = bench.hub.execute('east', asked, caller.signal);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  caller.abort();
  await expect(answer).rejects.toThrow('aborted');
  agent.result(asked.id);
  expect((await bench.hub.execute('east', asked)).state).toBe('succeeded');
});

test('the newer session counts: the older is told why, and its results are not heard', async () => {
  const first = await bench.dial().hello({ instanceId: 'pod-1' }).welcomed();
  const asked = bench.operation();
  const answer = bench.hub.execute('east', asked);
  await expect.poll(() => first.operations).toEqual([asked.id]);
  const second = await bench.dial().hello({ instanceId: 'pod-2' }).welcomed();
  await expect.poll(() => first.goAway).toContain('pod-2');
  await expect.poll(() => second.operations).toEqual([asked.id]);
  second.result(asked.id, { value: { from: 'pod-2' } });
  expect((await answer).value).toEqual({ from: 'pod-2' });
  await expect.poll(() => first.end).toBe('CLOSED');
  expect((await listAgents(bench.store))[0]).toMatchObject({ instanceId: 'pod-2', disconnectedAt: null });
});

test('an agent cannot answer for another account, nor show it anything', async () => {
  const west = await bench.add('west');
  const agent = await bench.dial().hello().welcomed();
  const other = await bench.dial({ token: west.token }).hello().welcomed();
  bench.hub.watch('east', WATCH);
  const asked = bench.operation();
  const answer = bench.hub.execute('east', asked);
  await expect.poll(() => agent.operations).toEqual([asked.id]);
  other.result(asked.id, { value: { forged: true } });
  other.send({ body: 'snapshot', snapshot: encodeSnapshot(SNAPSHOT) });
  await expect.poll(() => other.stored).toEqual([asked.id]);
  expect((await readOperation(bench.store, asked.id))?.state).toBe('open');
  expect(bench.hub.latest('w')).toBeUndefined();
  agent.result(asked.id);
  expect((await answer).value).toEqual({ ok: true });
});

test('watches go to the agent at each session, and what it saw is forgotten while it is away', async () => {
  bench.hub.watch('east', WATCH);
  const first = await bench.dial().hello().welcomed();
  await expect.poll(() => first.watches).toEqual(['w']);
  const seen: (number | undefined)[] = [];
  const stop = bench.hub.onSnapshot('w', (snapshot) => seen.push(snapshot?.version));
  first.send({ body: 'snapshot', snapshot: encodeSnapshot(SNAPSHOT) });
  await expect.poll(() => bench.hub.latest('w')?.version).toBe(1);
  bench.hub.watch('east', { ...WATCH, id: 'w2' });
  bench.hub.watch('east', { ...WATCH, id: 'w3' });
  await expect.poll(() => first.watches).toEqual(['w', 'w2', 'w3']);
  expect(first.messages.filter((message) => message.watchSet)).toHaveLength(2);
  first.cut();
  await expect.poll(() => seen).toEqual([1, undefined]);
  expect(bench.hub.latest('w')).toBeUndefined();
  bench.hub.unwatch('east', 'w2');
  const second = await bench.dial().hello().welcomed();
  await expect.poll(() => second.watches).toEqual(['w', 'w3']);
  second.send({ body: 'snapshot', snapshot: encodeSnapshot({ ...SNAPSHOT, version: 2 }) });
  await expect.poll(() => seen).toEqual([1, undefined, 2]);
  stop();
});

test('a session without heartbeats ends after three', async () => {
  await bench.restart({ heartbeatMs: 40 });
  const silent = await bench.dial().hello().welcomed();
  expect(bench.hub.isConnected('east')).toBe(true);
  await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
  await expect.poll(async () => (await listAgents(bench.store))[0]?.disconnectReason).toBe('3 heartbeats missed');
  expect(silent.messages.filter((message) => message.heartbeat).length).toBeGreaterThanOrEqual(3);
});

test('a planned stop tells every agent and leaves no stream behind', async () => {
  const agent = await bench.dial().hello().welcomed();
  const started = performance.now();
  await bench.server.stop();
  expect(performance.now() - started).toBeLessThan(3_000);
  await expect.poll(() => agent.goAway).toBe('the orchestrator stops');
  await expect.poll(() => agent.end).toBeDefined();
  await bench.start();
});

test('an operation reaches its agent in milliseconds (printed, not judged)', async () => {
  const agent = await bench.dial().hello({ credit: 64 }).welcomed();
  const there: number[] = [];
  const back: number[] = [];
  for (let index = 0; index < 100; index++) {
    const asked = bench.operation();
    const started = performance.now();
    agent.onOperation = (id) => {
      there.push(performance.now() - started);
      agent.result(id);
    };
    await bench.hub.execute('east', asked);
    back.push(performance.now() - started);
  }
  const at = (times: number[], share: number): string =>
    (times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0).toFixed(2);
  process.stdout.write(
    `execute to agent: p50 ${at(there, 0.5)} ms, p99 ${at(there, 0.99)} ms; to stored result: p50 ${at(back, 0.5)} ms, p99 ${at(back, 0.99)} ms (n 100)\n`,
  );
  expect(there).toHaveLength(100);
});
