/** Two speakers: with one credential one of them counts, and a person hears of it; with two, neither reaches the other's cluster. */

import { describe, expect, it, test } from 'vitest';
import type { Hello } from '../../src/protocol/gen/sluice/agent/v1/Hello.ts';
import type { AgentMessage } from '../../src/protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { Watch } from '../../src/protocol/snapshot.ts';
import { encodeSnapshot } from '../../src/protocol/snapshot-codec.ts';
import { createLog } from '../../src/shared/log.ts';
import { listAgents, revokeAgent } from '../../src/orchestrator/store/agents.ts';
import { openAlerts } from '../../src/orchestrator/store/alerts.ts';
import { readOperation } from '../../src/orchestrator/store/operations.ts';
import { emptySnapshot } from '../support/empty-snapshot.ts';
import { HubBench } from '../support/hub-bench.ts';
import type { ScriptedAgent } from '../support/scripted-agent.ts';

const bench = new HubBench();

function comes(instanceId: string, more: Hello = {}): Promise<ScriptedAgent> {
  return bench
    .dial()
    .hello({ instanceId, ...more })
    .welcomed();
}

describe('two agents with one credential', () => {
  it('have one session: the older is told who took it, and from where', async () => {
    const first = await comes('pod-a');
    await comes('pod-b');
    await expect.poll(() => first.goAway).toMatch(/^another agent \(pod-b at 127\.0\.0\.1:\d+\) connected as east$/);
    await expect.poll(() => first.end).toBe('CLOSED');
    const goAway = first.messages.find((message) => message.goAway)?.goAway;
    expect(goAway?.reconnectAfterMs).toBe(30_000);
    expect(bench.hub.connectedAccounts).toEqual(['east']);
    expect((await listAgents(bench.store))[0]).toMatchObject({ instanceId: 'pod-b', disconnectedAt: null });
  });

  it('that take it from each other raise one alert, in the log and in the database, which counts on', async () => {
    const lines: { level: string; msg: string; kind?: string }[] = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) };
    const log = createLog({ name: 'hub', format: 'json', level: 'info', destination });
    await bench.restart({ log, limits: { alertEveryMs: 0 } });
    await comes('pod-a');
    await comes('pod-b');
    expect(await openAlerts(bench.store)).toEqual([]);
    await comes('pod-a');
    await expect.poll(() => openAlerts(bench.store)).toHaveLength(1);
    const [alert] = await openAlerts(bench.store);
    expect(alert).toMatchObject({ account: 'east', kind: 'alternatingAgents', count: 1 });
    expect(alert?.message).toMatch(/pod-a at 127\.0\.0\.1:\d+ and pod-b at 127\.0\.0\.1:\d+/);
    expect(alert?.detail).toMatchObject({ agents: [{ instanceId: 'pod-a' }, { instanceId: 'pod-b' }] });
    await comes('pod-b');
    await expect.poll(async () => (await openAlerts(bench.store))[0]?.count).toBe(2);
    const [again] = await openAlerts(bench.store);
    expect(again).toMatchObject({ id: alert?.id, at: alert?.at });
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ msg, kind }) => [msg, kind])).toEqual([
      ['alert', 'alternatingAgents'],
      ['alert', 'alternatingAgents'],
    ]);
  });

  it('are noticed too where the thief uses the other’s name', async () => {
    for (let time = 0; time < 4; time++) await comes('pod-a');
    await comes('pod-a');
    await expect.poll(() => openAlerts(bench.store)).toMatchObject([{ account: 'east', kind: 'alternatingAgents' }]);
  });

  it('are not seen in one that is restarted, or whose connection is lost again and again', async () => {
    for (const instance of ['pod-a', 'pod-a', 'pod-b', 'pod-c', 'pod-c', 'pod-c', 'pod-c', 'pod-c']) {
      (await comes(instance)).cut();
      await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
    }
    await bench.server.stop();
    expect(await openAlerts(bench.store)).toEqual([]);
    await bench.start();
  });
});

describe('a credential that does not count, again and again', () => {
  async function refused(token: string, times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      const agent = bench.dial({ token }).hello();
      await expect.poll(() => agent.end).toMatch(/^UNAUTHENTICATED/);
    }
  }

  it('raises one alert of its account, which ends with a new credential', async () => {
    await revokeAgent(bench.store, 'east');
    await refused(bench.east.token, 4);
    expect(await openAlerts(bench.store)).toEqual([]);
    await refused(bench.east.token, 6);
    await expect
      .poll(() => openAlerts(bench.store))
      .toMatchObject([{ account: 'east', kind: 'refusedAgent', count: 1 }]);
    await bench.add('east');
    expect(await openAlerts(bench.store)).toEqual([]);
  });

  it('raises one alert for all that are nobody’s', async () => {
    await bench.restart({ limits: { refusals: 2, alertEveryMs: 0 } });
    for (const token of ['one', 'two', 'three']) await refused(token, 1);
    await expect
      .poll(() => openAlerts(bench.store))
      .toMatchObject([
        { account: null, kind: 'refusedAgent', count: 2, message: expect.stringContaining('127.0.0.1') },
      ]);
  });
});

describe('a stolen credential of one cluster', () => {
  const watch: Watch = {
    id: 'w-east',
    namespace: 'shop',
    deployment: 'web',
    services: [],
    routes: [],
    profiles: [],
    jobs: [],
  };
  const forged = encodeSnapshot(emptySnapshot('w-east', 99));

  /** Each kind of message, aimed at another cluster's operation and watch. */
  const aimed: [string, (id: string, thief: ScriptedAgent) => AgentMessage[]][] = [
    ['a result', (id, thief) => [thief.resultMessage(id, { value: { forged: true } })]],
    ['a result in chunks', (id, thief) => thief.pieces(thief.resultMessage(id, { value: 'x'.repeat(600_000) }))],
    ['progress', (id) => [{ body: 'status', status: { id, state: 'RUNNING', message: 'forged' } }]],
    ['a receipt', (id) => [{ body: 'received', received: { ids: [id] } }]],
    ['a snapshot', () => [{ body: 'snapshot', snapshot: forged }]],
    ['a snapshot in chunks', (_id, thief) => thief.pieces({ body: 'snapshot', snapshot: forged })],
    ['draining', () => [{ body: 'draining', draining: { reason: 'forged' } }]],
    ['a second greeting', (id) => [{ body: 'hello', hello: { openOperations: [{ id, state: 'SUCCEEDED' }] } }]],
    ['a heartbeat', () => [{ body: 'heartbeat', heartbeat: { inFlight: 1_000 } }]],
  ];

  test.each(aimed)('neither reads nor moves another one: %s', async (_what, messages) => {
    const west = await bench.add('west');
    bench.hub.watch('east', watch);
    const own = await bench.dial().hello().welcomed();
    const [sent, unnamed, waiting] = [bench.operation(), bench.operation(), bench.operation()];
    const answers = [bench.hub.execute('east', sent), bench.hub.execute('east', unnamed)];
    await expect.poll(() => own.operations).toEqual([sent.id, unnamed.id]);
    // In its greeting too: it has what is not its own, and has seen what was never shown.
    const hello = {
      protocolMax: 3,
      openOperations: [{ id: sent.id, state: 'SUCCEEDED' as const }],
      watchVersions: { 'w-east': 98 },
      lastEpoch: 1_000,
    };
    const thief = await bench.dial({ token: west.token }).hello(hello).welcomed();
    for (const message of messages(sent.id, thief)) thief.send(message);
    // What it says now is heard after all of that.
    thief.send({ body: 'snapshot', snapshot: encodeSnapshot(emptySnapshot('w-west', 1)) });
    thief.result('nobody asked for this');
    await expect.poll(() => thief.stored).toContain('nobody asked for this');

    expect((await readOperation(bench.store, sent.id))?.state).toBe('open');
    expect(bench.hub.latest('w-east')).toBeUndefined();
    answers.push(bench.hub.execute('east', waiting));
    own.result(sent.id);
    await expect.poll(() => own.operations).toContain(waiting.id);
    own.result(unnamed.id);
    own.result(waiting.id);
    for (const { value } of await Promise.all(answers)) expect(value).toEqual({ ok: true });
    // Nothing was sent twice: its own agent still had what it was sent.
    expect(own.operations).toEqual([sent.id, unnamed.id, waiting.id]);
    own.send({ body: 'snapshot', snapshot: encodeSnapshot(emptySnapshot('w-east', 1)) });
    await expect.poll(() => bench.hub.latest('w-east')?.version).toBe(1);

    const told = new Set(thief.messages.map(({ body }) => body));
    expect(thief.operations).toEqual([]);
    expect(thief.watches).toEqual([]);
    expect(
      [...told].filter((body) => !['welcome', 'watchSet', 'heartbeat', 'resultStored'].includes(body ?? '')),
    ).toEqual([]);
    expect(own.goAway).toBeUndefined();
    const epochs = Object.fromEntries((await listAgents(bench.store)).map(({ account, epoch }) => [account, epoch]));
    expect(epochs).toEqual({ east: own.epoch, west: 1_001 });
  });
});

describe('results', () => {
  it('of a session that is over are not heard; of the live one they count, whichever session delivered the operation', async () => {
    const first = await comes('pod-a');
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => first.operations).toEqual([asked.id]);
    const second = await comes('pod-b', { openOperations: [{ id: asked.id, state: 'RUNNING' }] });
    await expect.poll(() => first.goAway).toBeDefined();
    first.result(asked.id, { value: { from: 'the dead session' } });
    second.result('nobody asked for this');
    await expect.poll(() => second.stored).toEqual(['nobody asked for this']);
    expect((await readOperation(bench.store, asked.id))?.state).toBe('open');
    second.result(asked.id, { value: { from: 'the live one' } }, first.epoch);
    expect((await answer).value).toEqual({ from: 'the live one' });
  });

  it('of an epoch that is still to come are not heard, nor of an operation that was never sent', async () => {
    const agent = await bench.dial().hello({ credit: 1 }).welcomed();
    const [sent, unsent] = [bench.operation(), bench.operation()];
    const answers = [bench.hub.execute('east', sent), bench.hub.execute('east', unsent)];
    await expect.poll(() => agent.operations).toEqual([sent.id]);
    await expect.poll(() => readOperation(bench.store, unsent.id)).toBeDefined();
    agent.result(sent.id, { value: { from: 'the future' } }, agent.epoch + 1);
    agent.result(unsent.id, { value: { from: 'nowhere' } });
    await expect.poll(() => agent.stored).toEqual([unsent.id]);
    const states = await Promise.all([sent, unsent].map(({ id }) => readOperation(bench.store, id)));
    expect(states.map((row) => row?.state)).toEqual(['open', 'open']);
    agent.result(sent.id);
    await expect.poll(() => agent.operations).toEqual([sent.id, unsent.id]);
    agent.result(unsent.id);
    expect((await Promise.all(answers)).map(({ value }) => value)).toEqual([{ ok: true }, { ok: true }]);
  });

  it('that come twice are acknowledged twice, and the first holds', async () => {
    const agent = await comes('pod-a');
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => agent.operations).toEqual([asked.id]);
    agent.result(asked.id, { value: 1 });
    expect((await answer).value).toBe(1);
    agent.result(asked.id, { value: 2 });
    await expect.poll(() => agent.stored).toEqual([asked.id, asked.id]);
    expect((await readOperation(bench.store, asked.id))?.result?.value).toBe(1);
  });

  it('with an id that none can have end the session, not the hub', async () => {
    const agent = await comes('pod-a');
    agent.result('x'.repeat(10_000));
    await expect.poll(() => agent.end).toBe('CLOSED');
    await comes('pod-a');
  });
});
