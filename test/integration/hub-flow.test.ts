/** What flows between hub and agents: large messages in pieces, nothing piled up for who does not read, and limits that are told. */

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeSnapshot } from '../../src/protocol/snapshot-codec.ts';
import { LIMITS } from '../../src/protocol/service.ts';
import { openAlerts } from '../../src/orchestrator/store/alerts.ts';
import { readOperation } from '../../src/orchestrator/store/operations.ts';
import { emptySnapshot } from '../support/empty-snapshot.ts';
import { HubBench } from '../support/hub-bench.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { AgentCredential } from '../../src/orchestrator/security/credential.ts';
import type { Presents, ScriptedAgent } from '../support/scripted-agent.ts';
import type { Operation } from '../../src/protocol/operation.ts';
import type { Watch } from '../../src/protocol/snapshot.ts';

const bench = new HubBench();
const NEW = { protocolMax: 3 };
/** Megabytes take their time on a busy machine. */
const STORED = { timeout: 10_000 };

function watch(id: string): Watch {
  return { id, namespace: 'shop', deployment: 'web', services: ['web'], routes: [], profiles: [], jobs: [] };
}

function large(bytes: number, notAfterMs?: number): Operation {
  const text = randomBytes(bytes / 2).toString('hex');
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' }, data: { text } };
  return bench.operation({ spec: { kind: 'apply', objects: [object] }, ...(notAfterMs && { notAfterMs }) });
}

/** What it comes to rest at: the connection's own windows take some of what is written. */
async function steady(read: () => number): Promise<number> {
  let same = 0;
  for (let last = -1; same < 6;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    same = read() === last ? same + 1 : 0;
    last = read();
  }
  return read();
}

describe('large messages', () => {
  it('go to an agent in chunks, and whole to one that knows none', async () => {
    const agent = await bench.dial().hello(NEW).welcomed();
    expect(agent.messages[0]?.welcome).toMatchObject({ protocol: 3, maxTotalBytes: LIMITS.maxTotalBytes });
    const asked = large(5_000_000);
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => agent.operations, STORED).toEqual([asked.id]);
    expect(agent.messages.filter((message) => message.chunk)).toHaveLength(20);
    const object = agent.delivered(asked.id)?.apply?.objects[0];
    expect(JSON.parse(String(object))).toEqual(asked.spec.kind === 'apply' && asked.spec.objects[0]);
    agent.result(asked.id);
    await answer;
    const older = await bench.dial().hello({ protocolMax: 1 }).welcomed();
    expect(older.messages[0]?.welcome).toMatchObject({ protocol: 1, maxTotalBytes: 0 });
    const again = large(900_000);
    void bench.hub.execute('east', again);
    await expect.poll(() => older.operations, STORED).toEqual([again.id]);
    expect(older.messages.some((message) => message.chunk)).toBe(false);
  });

  it.each([
    ['an agent that knows chunks', NEW, LIMITS.maxTotalBytes],
    ['an older agent', { protocolMax: 1 }, LIMITS.maxMessageBytes],
  ])('above the limit of %s are refused before a byte of them is sent', async (_what, hello, limit) => {
    const agent = await bench.dial().hello(hello).welcomed();
    const refused = await bench.hub.execute('east', large(limit));
    expect(refused).toMatchObject({ state: 'rejected', code: 'TOO_LARGE' });
    agent.onOperation = (id) => agent.result(id);
    expect((await bench.hub.execute('east', bench.operation())).state).toBe('succeeded');
    expect(agent.messages.some((message) => message.chunk)).toBe(false);
  });

  it('come from an agent in chunks, heartbeats and small results between them', async () => {
    bench.hub.watch('east', watch('w'));
    const agent = await bench.dial().hello(NEW).welcomed();
    const [big, small] = [bench.operation(), bench.operation()];
    const answers = [bench.hub.execute('east', big), bench.hub.execute('east', small)] as const;
    await expect.poll(() => agent.operations.length).toBe(2);
    const value = { text: 'x'.repeat(3_000_000) };
    const [first, ...rest] = agent.pieces(agent.resultMessage(big.id, { value }));
    if (first) agent.send(first);
    agent.send({ body: 'heartbeat', heartbeat: {} });
    agent.result(small.id);
    expect((await answers[1]).state).toBe('succeeded');
    for (const each of rest) agent.send(each);
    expect((await answers[0]).value).toEqual(value);
    expect((await readOperation(bench.store, big.id))?.result?.value).toEqual(value);
    const pods = Array.from({ length: 5_000 }, (_, index) => ({ name: `pod-${index}`, uid: 'u'.repeat(36) }));
    const snapshot = encodeSnapshot(emptySnapshot('w', 7));
    for (const each of agent.pieces({ body: 'snapshot', snapshot: { ...snapshot, pods } })) agent.send(each);
    await expect.poll(() => bench.hub.latest('w')?.pods.length, STORED).toBe(5_000);
  });

  it('that are faulty end their session with the reason, and nothing else', async () => {
    const west = await bench.add('west');
    const other = await bench.dial({ token: west.token }).hello(NEW).welcomed();
    const agent = await bench.dial().hello(NEW).welcomed();
    const [, second] = agent.pieces(agent.resultMessage('op', { value: 'x'.repeat(600_000) }));
    if (second) agent.send(second);
    await expect.poll(() => agent.end).toBe('CLOSED');
    const { rows } = await bench.store.pool.query(`select disconnect_reason from sluice.agent where account = 'east'`);
    expect(rows).toEqual([{ disconnect_reason: expect.stringContaining('piece 1 came where 0 was due') }]);
    expect(bench.hub.isConnected('west')).toBe(true);
    expect(other.end).toBeUndefined();
  });
});

describe('an agent that stops reading', () => {
  it('does not make the hub grow in ten minutes, is sent away, and gets the newest when it is back', async () => {
    const clock = new ManualClock();
    const limits = { sessionAgeMs: 3_600_000 };
    await bench.restart({ clock, limits });
    const agent = await bench
      .dial()
      .hello({ ...NEW, credit: 8 })
      .welcomed();
    await expect.poll(() => agent.watches).toEqual([]);
    agent.stream.pause();
    // More than the connection's windows take: eight of them wait, the ninth has no credit.
    const asked = Array.from({ length: 9 }, () => large(1_000_000, 3_600_000));
    const answers = asked.map((each) => bench.hub.execute('east', each));
    const last = asked.at(-1)?.id ?? '';
    const state = (): Promise<string | undefined> => readOperation(bench.store, last).then((row) => row?.state);
    await expect.poll(state, STORED).toBe('open');
    const started = await steady(() => bench.hub.waiting('east'));
    const before = process.memoryUsage();
    let most = started;
    let endedAfterMs = 0;
    for (let second = 0; second < 600; second += 5) {
      clock.advance(5_000);
      for (let index = 0; index < 50; index++) bench.hub.watch('east', watch(`w-${second}-${index}`));
      for (let index = 0; index < 50; index++) if (second > 0) bench.hub.unwatch('east', `w-${second - 5}-${index}`);
      agent.send({ body: 'heartbeat', heartbeat: {} });
      await new Promise((resolve) => setImmediate(resolve));
      if (bench.hub.isConnected('east')) most = Math.max(most, bench.hub.waiting('east'));
      else endedAfterMs ||= (second + 5) * 1_000;
    }
    const grownMb = (process.memoryUsage().rss - before.rss) / 1e6;
    process.stdout.write(
      `ten minutes unread: ended after ${endedAfterMs} ms, at most ${most} messages, ${grownMb} MB\n`,
    );
    expect(endedAfterMs).toBeGreaterThan(45_000);
    expect(endedAfterMs).toBeLessThanOrEqual(65_000);
    expect(most).toBeLessThanOrEqual(started + 2); // a heartbeat, and one set of watches
    expect(grownMb).toBeLessThan(60);
    // The stream is let go of, though its connection lives and nobody reads.
    await expect.poll(() => bench.openStreams).toBe(0);

    const again = await bench.dial().hello(NEW).welcomed();
    again.onOperation = (id) => again.result(id);
    for (const id of again.operations) again.result(id);
    expect((await Promise.all(answers)).every(({ state }) => state === 'succeeded')).toBe(true);
    await expect.poll(() => again.watches?.length).toBe(50);
    expect(again.watches?.[0]).toBe('w-595-0');
  });
});

describe('an agent that says more than can be stored', () => {
  it('waits until the database has kept up, and then is heard again', async () => {
    const agent = await bench.dial().hello(NEW).welcomed();
    const holder = await bench.store.pool.connect();
    await holder.query('begin; lock table sluice.operation in access exclusive mode');
    const count = 1_000;
    for (let index = 0; index < count; index++) agent.result(`unknown-${index}`, { value: 'x'.repeat(10_000) });
    try {
      expect(await steady(() => agent.stream.writableLength)).toBeGreaterThan(0);
    } finally {
      await holder.query('commit');
      holder.release();
    }
    await expect.poll(() => agent.stored.length, { timeout: 20_000 }).toBe(count);
    agent.onOperation = (id) => agent.result(id);
    expect((await bench.hub.execute('east', bench.operation())).state).toBe('succeeded');
  });
});

describe('limits, each told with a time', () => {
  it('on handshakes, before the database is looked at', async () => {
    await bench.restart({ limits: { handshakes: { perSecond: 0.05, burst: 2 } } });
    await bench.dial().hello().welcomed();
    await bench.dial().hello().welcomed();
    const holder = await bench.store.pool.connect();
    await holder.query('begin; lock table sluice.agent in access exclusive mode');
    try {
      for (const turnMs of [20_000, 40_000]) {
        const refused = bench.dial().hello();
        await expect.poll(() => refused.refusal).toMatchObject({ code: 'RETRY' });
        await expect.poll(() => refused.end).toBe('CLOSED');
        const { retryAfterMs = 0 } = refused.refusal ?? {};
        expect(retryAfterMs, 'each waits for those before it').toBeGreaterThan(turnMs - 5_000);
        expect(retryAfterMs).toBeLessThanOrEqual(turnMs + 1_000);
      }
    } finally {
      await holder.query('commit');
      holder.release();
    }
  });

  it('where the database fails, or all would try again together', async () => {
    await bench.restart({ limits: { handshakes: { perSecond: 0.5, burst: 100 } } });
    await bench.store.pool.query('alter table sluice.agent rename to agent_away');
    try {
      for (const turnMs of [2_000, 4_000]) {
        const refused = bench.dial().hello();
        await expect.poll(() => refused.refusal).toMatchObject({ code: 'RETRY' });
        expect(refused.refusal?.message).toContain('The orchestrator cannot take a session now');
        await expect.poll(() => refused.end).toBe('CLOSED');
        expect(refused.refusal?.retryAfterMs).toBeGreaterThan(turnMs - 1_500);
        expect(refused.refusal?.retryAfterMs).toBeLessThanOrEqual(turnMs + 1_000);
      }
    } finally {
      await bench.store.pool.query('alter table sluice.agent_away rename to agent');
    }
    await bench.dial().hello().welcomed();
  });

  it('where it stops: as many agents come back as the next hub takes', async () => {
    await bench.restart({ limits: { handshakes: { perSecond: 0.1, burst: 10 } } });
    const west = await bench.add('west');
    const agents = [bench.dial(), bench.dial({ token: west.token })];
    for (const agent of agents) await agent.hello().welcomed();
    await bench.hub.stop();
    for (const agent of agents) {
      await expect.poll(() => agent.messages.find(({ goAway }) => goAway)?.goAway?.spreadMs).toBe(25_000);
    }
  });

  it('on handshakes of one agent, which so keeps no other one out', async () => {
    const limits = { handshakesOfOne: { perSecond: 0.001, burst: 2 }, handshakes: { perSecond: 0.001, burst: 3 } };
    await bench.restart({ tls: true, limits });
    const tls = ({ ca, certificate, key }: AgentCredential): Presents => ({ tls: { ca, certificate, key } });
    const west = await bench.add('west');
    for (let time = 0; time < 2; time++) await bench.dial(tls(bench.east)).hello().welcomed();
    for (let time = 0; time < 5; time++) {
      const refused = bench.dial(tls(bench.east)).hello();
      await expect.poll(() => refused.refusal).toMatchObject({ code: 'RETRY', message: 'The agent comes too often.' });
    }
    await bench.dial(tls(west)).hello().welcomed();
  });

  it('on sessions of one credential, of which a person is told', async () => {
    await bench.restart({ limits: { sessions: { perSecond: 0.01, burst: 3 } } });
    const west = await bench.add('west');
    for (let session = 0; session < 3; session++) await bench.dial().hello().welcomed();
    const refused = bench.dial().hello();
    await expect.poll(() => refused.refusal).toMatchObject({ code: 'LIMIT' });
    expect(refused.refusal?.retryAfterMs).toBeGreaterThan(50_000);
    expect(refused.refusal?.retryAfterMs).toBeLessThanOrEqual(100_000);
    expect(bench.hub.isConnected('east')).toBe(true);
    await bench.dial({ token: west.token }).hello().welcomed();
    await expect
      .poll(() => openAlerts(bench.store))
      .toMatchObject([{ account: 'east', kind: 'sessionFlood', message: expect.stringContaining('127.0.0.1') }]);
  });

  it.each([
    ['heartbeats', { body: 'heartbeat', heartbeat: {} }],
    ['snapshots', { body: 'snapshot', snapshot: encodeSnapshot(emptySnapshot('nobody asked')) }],
    ['results', { body: 'status', status: { id: 'nobody asked', state: 'SUCCEEDED' } }],
  ] as const)('on messages of one session: %s', async (_what, message) => {
    await bench.restart({ limits: { messages: { perSecond: 1, burst: 50 }, messagesPenaltyMs: 7_000 } });
    const west = await bench.add('west');
    const other = await bench.dial({ token: west.token }).hello().welcomed();
    const agent = await bench.dial().hello().welcomed();
    for (let index = 0; index < 40; index++) agent.send(message);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(bench.hub.isConnected('east')).toBe(true);
    for (let index = 0; index < 40; index++) agent.send(message);
    await expect.poll(() => agent.goAway).toBe('the agent sends more than 1 messages a second');
    expect(agent.messages.find(({ goAway }) => goAway)?.goAway).toMatchObject({ reconnectAfterMs: 7_000 });
    expect(other.goAway).toBeUndefined();
  });
});

describe('a connection that has become old', () => {
  const MADE_ANEW = 'the connection is old and is made anew';
  const MINUTE_MS = 60_000;

  /** Its time is the test's, and heartbeats are not what it is about. */
  async function start(): Promise<{ clock: ManualClock; agent: ScriptedAgent }> {
    const clock = new ManualClock();
    await bench.restart({ clock, heartbeatMs: 600 * MINUTE_MS, random: () => 0.5 });
    return { clock, agent: await bench.dial().hello().welcomed() };
  }

  it('goes at once where its agent has nothing to do', async () => {
    const { clock, agent } = await start();
    clock.advance(44 * MINUTE_MS);
    expect(bench.hub.isConnected('east')).toBe(true);
    clock.advance(MINUTE_MS);
    await expect.poll(() => agent.goAway).toBe(MADE_ANEW);
    expect(agent.messages.find(({ goAway }) => goAway)?.goAway).toMatchObject({ reconnectAfterMs: 0 });
  });

  it('goes in the moment in which its agent has nothing to do any more, and nothing is lost', async () => {
    const { clock, agent } = await start();
    const [long, meanwhile] = [bench.operation(), bench.operation()];
    const answer = bench.hub.execute('east', long);
    await expect.poll(() => agent.operations).toEqual([long.id]);
    clock.advance(45 * MINUTE_MS);
    const quick = bench.hub.execute('east', meanwhile);
    await expect.poll(() => agent.operations).toEqual([long.id, meanwhile.id]);
    agent.result(meanwhile.id);
    await quick;
    expect(bench.hub.isConnected('east')).toBe(true);
    agent.result(long.id);
    expect((await answer).state).toBe('succeeded');
    await expect.poll(() => agent.goAway).toBe(MADE_ANEW);
    expect(agent.stored.toSorted()).toEqual([long.id, meanwhile.id].toSorted());
  });

  it('goes in the end although its agent has something to do, which the next session goes on with', async () => {
    const { clock, agent } = await start();
    const [long, late] = [bench.operation(), bench.operation()];
    const answers = [bench.hub.execute('east', long)];
    await expect.poll(() => agent.operations).toEqual([long.id]);
    clock.advance(45 * MINUTE_MS);
    clock.advance(5 * MINUTE_MS);
    answers.push(bench.hub.execute('east', late));
    await expect.poll(() => readOperation(bench.store, late.id)).toBeDefined();
    expect(bench.hub.isConnected('east')).toBe(true);
    clock.advance(30_000);
    await expect.poll(() => agent.goAway).toBe(MADE_ANEW);
    expect(agent.operations).toEqual([long.id]);
    const openOperations = [{ id: long.id, state: 'RUNNING' as const }];
    const next = await bench.dial().hello({ openOperations }).welcomed();
    await expect.poll(() => next.operations).toEqual([late.id]);
    next.result(long.id);
    next.result(late.id);
    expect((await Promise.all(answers)).map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  });
});
