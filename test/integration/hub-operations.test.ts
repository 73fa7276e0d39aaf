/** Operations on their way: numbered for ever, marked when they are sent again, and taken back when nobody wants them. */

import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../src/orchestrator/store/migrate.ts';
import { migrations } from '../../src/orchestrator/store/migrations.ts';
import { readOperation } from '../../src/orchestrator/store/operations.ts';
import { HubBench } from '../support/hub-bench.ts';
import type { ScriptedAgent } from '../support/scripted-agent.ts';

const bench = new HubBench();

async function generation(agent: ScriptedAgent): Promise<number> {
  const asked = bench.operation();
  const answer = bench.hub.execute('east', asked);
  await expect.poll(() => agent.operations).toContain(asked.id);
  agent.result(asked.id);
  await answer;
  return agent.delivered(asked.id)?.generation ?? 0;
}

function stored(id: string): Promise<boolean> {
  return readOperation(bench.store, id).then((row) => row !== undefined);
}

describe('generations', () => {
  it('rise with every operation that is asked for, in its order, also of many at once', async () => {
    const agent = await bench.dial().hello({ credit: 64 }).welcomed();
    agent.onOperation = (id) => agent.result(id);
    const asked = Array.from({ length: 60 }, () => bench.operation());
    await Promise.all(asked.map((each) => bench.hub.execute('east', each)));
    const given = asked.map(({ id }) => agent.delivered(id)?.generation ?? 0);
    expect(given).toEqual(given.toSorted((a, b) => a - b));
    expect(new Set(given).size).toBe(60);
    const first = await readOperation(bench.store, asked[0]?.id ?? '');
    expect(first?.generation).toBe(given[0]);
    expect(given.every(Number.isSafeInteger)).toBe(true);
  });

  it('rise past all that were given, also when the database is one from before', async () => {
    const before = await generation(await bench.dial().hello().welcomed());
    await bench.server.stop();
    await bench.store.pool.query(`truncate sluice.operation; select setval('sluice.operation_generation', 1)`);
    await bench.start();
    expect(await generation(await bench.dial().hello().welcomed())).toBeGreaterThan(before);
  });

  it('are given to what an older release had stored, each its own', async () => {
    const name = 'older_release';
    await bench.store.pool.query(`create database ${name}`);
    const url = new URL(bench.store.url);
    url.pathname = name;
    const pool = new Pool({ connectionString: url.href });
    try {
      await migrate(
        pool,
        migrations.filter(({ number }) => number < 3),
      );
      await pool.query(`insert into sluice.operation (id, account, deployment_id, namespace, spec, not_after, state)
        select 'op-' || n, 'east', 'dep', 'shop', '{}', now(), 'open' from generate_series(1, 5) n`);
      await migrate(pool);
      const { rows } = await pool.query<{ generation: string }>('select generation from sluice.operation');
      expect(new Set(rows.map(({ generation: given }) => given)).size).toBe(5);
    } finally {
      await pool.end(); // the database goes with its server
    }
  });

  it('do not fall where the clock was set back', async () => {
    const before = await generation(await bench.dial().hello().welcomed());
    const anHourAgo = { now: () => Date.now() - 3_600_000, after: () => () => undefined };
    await bench.restart({ clock: anHourAgo });
    expect(await generation(await bench.dial().hello().welcomed())).toBeGreaterThan(before);
  });
});

describe('an operation that is sent again', () => {
  it('is marked, and is the one it was, after a session that does not name it', async () => {
    const first = await bench.dial().hello().welcomed();
    const asked = bench.operation({ afterGuard: true });
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => first.operations).toEqual([asked.id]);
    first.cut();
    const second = await bench.dial().hello().welcomed();
    await expect.poll(() => second.operations).toEqual([asked.id]);
    const [once, again] = [first.delivered(asked.id), second.delivered(asked.id)];
    expect([once?.redelivered, again?.redelivered]).toEqual([false, true]);
    expect(again).toEqual({ ...once, redelivered: true, epoch: second.epoch });
    second.result(asked.id);
    await answer;
  });

  it('is marked after a restart of the orchestrator, whoever asks first, and is still allowed what it was', async () => {
    const first = await bench.dial().hello().welcomed();
    const [sent, unsent] = [bench.operation({ afterGuard: true }), bench.operation()];
    void bench.hub.execute('east', sent);
    await expect.poll(() => first.operations).toEqual([sent.id]);
    first.cut();
    await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
    void bench.hub.execute('east', unsent);
    await expect.poll(() => stored(unsent.id)).toBe(true);
    await bench.restart();
    const answers = [bench.hub.execute('east', sent)];
    const second = await bench.dial().hello().welcomed();
    await expect.poll(() => second.operations).toEqual([sent.id, unsent.id]);
    expect(second.delivered(sent.id)).toEqual({ ...first.delivered(sent.id), redelivered: true, epoch: second.epoch });
    expect(second.delivered(sent.id)?.afterGuard).toBe(true);
    // Whether it was sent is not written down: it may have been.
    expect(second.delivered(unsent.id)?.redelivered).toBe(true);
    second.result(sent.id);
    await Promise.all(answers);
  });

  it('is not marked where it was only waiting for an agent', async () => {
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => stored(asked.id)).toBe(true);
    const agent = await bench.dial().hello().welcomed();
    await expect.poll(() => agent.delivered(asked.id)?.redelivered).toBe(false);
    agent.result(asked.id);
    await answer;
  });
});

describe('an operation that is taken back', () => {
  const CANCELLED = { state: 'cancelled', code: 'CANCELLED' };

  it('ends at once while no agent has it, and reaches none', async () => {
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => stored(asked.id)).toBe(true);
    bench.hub.cancel(asked.id);
    expect(await answer).toMatchObject({ ...CANCELLED, message: expect.stringContaining('Nothing was done') });
    expect((await readOperation(bench.store, asked.id))?.state).toBe('cancelled');
    const agent = await bench.dial().hello().welcomed();
    expect(await bench.hub.execute('east', asked)).toMatchObject(CANCELLED);
    expect(agent.operations).toEqual([]);
  });

  it('ends unsent also when it is taken back before it is stored', async () => {
    const agent = await bench.dial().hello().welcomed();
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    bench.hub.cancel(asked.id);
    expect(await answer).toMatchObject(CANCELLED);
    expect(agent.operations).toEqual([]);
  });

  it('ends while it waits for credit, and lets the next go', async () => {
    const agent = await bench.dial().hello({ credit: 1 }).welcomed();
    const asked = [bench.operation(), bench.operation(), bench.operation()] as const;
    const answers = asked.map((each) => bench.hub.execute('east', each));
    await expect.poll(() => agent.operations).toEqual([asked[0].id]);
    await expect.poll(() => stored(asked[2].id)).toBe(true);
    bench.hub.cancel(asked[1].id);
    expect(await answers[1]).toMatchObject(CANCELLED);
    agent.result(asked[0].id);
    await expect.poll(() => agent.operations).toEqual([asked[0].id, asked[2].id]);
    agent.result(asked[2].id);
    expect((await Promise.all(answers)).map(({ state }) => state)).toEqual(['succeeded', 'cancelled', 'succeeded']);
  });

  it.each([
    ['it had been done', { state: 'succeeded', code: 'OK' }],
    ['it was stopped', { ...CANCELLED, value: undefined }],
  ] as const)('is the agent to end once it was sent, which is told once: %s', async (_what, end) => {
    const agent = await bench.dial().hello().welcomed();
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => agent.operations).toEqual([asked.id]);
    for (let time = 0; time < 3; time++) bench.hub.cancel(asked.id);
    await expect.poll(() => agent.cancels).toEqual([asked.id]);
    expect((await readOperation(bench.store, asked.id))?.state).toBe('open');
    agent.result(asked.id, end as object);
    expect((await answer).state).toBe(end.state);
    bench.hub.cancel(asked.id);
    bench.hub.cancel('nobody asked for this');
    await expect.poll(() => agent.stored).toEqual([asked.id]);
    expect(agent.cancels).toEqual([asked.id]);
  });

  it('is taken back in the next session where its agent is away and still has it', async () => {
    const first = await bench.dial().hello().welcomed();
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => first.operations).toEqual([asked.id]);
    first.cut();
    await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
    bench.hub.cancel(asked.id);
    const openOperations = [{ id: asked.id, state: 'RUNNING' }] as const;
    const second = await bench
      .dial()
      .hello({ openOperations: [...openOperations] })
      .welcomed();
    await expect.poll(() => second.cancels).toEqual([asked.id]);
    second.result(asked.id);
    expect((await answer).state).toBe('succeeded');
  });

  it('is not sent again where its agent comes back without it, and may have been done', async () => {
    const first = await bench.dial().hello().welcomed();
    const asked = bench.operation();
    const answer = bench.hub.execute('east', asked);
    await expect.poll(() => first.operations).toEqual([asked.id]);
    first.cut();
    await expect.poll(() => bench.hub.isConnected('east')).toBe(false);
    bench.hub.cancel(asked.id);
    const second = await bench.dial().hello().welcomed();
    expect(await answer).toMatchObject({ ...CANCELLED, message: expect.stringContaining('may have been done') });
    expect([second.operations, second.cancels]).toEqual([[], []]);
  });

  it('is taken back by the signal for that, and by no other: a process that stops takes nothing back', async () => {
    const agent = await bench.dial().hello().welcomed();
    const [wanted, unwanted] = [bench.operation(), bench.operation()];
    const [stopping, run] = [new AbortController(), new AbortController()];
    const given = bench.hub.execute('east', wanted, stopping.signal, { cancel: run.signal });
    await expect.poll(() => agent.operations).toEqual([wanted.id]);
    stopping.abort();
    await expect(given).rejects.toThrow('aborted');
    const taken = bench.hub.execute('east', unwanted, undefined, { cancel: run.signal });
    await expect.poll(() => agent.operations).toEqual([wanted.id, unwanted.id]);
    run.abort();
    await expect.poll(() => agent.cancels).toEqual([unwanted.id]);
    agent.result(unwanted.id, { state: 'cancelled', code: 'CANCELLED', value: undefined });
    expect(await taken).toMatchObject(CANCELLED);
    const late = bench.operation();
    expect(await bench.hub.execute('east', late, undefined, { cancel: run.signal })).toMatchObject(CANCELLED);
    expect(agent.operations).toEqual([wanted.id, unwanted.id]);
  });
});
