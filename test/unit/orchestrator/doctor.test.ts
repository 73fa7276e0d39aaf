/** What the orchestrator's doctor makes of what it found. */

import { describe, expect, test } from 'vitest';
import { judgeDatabase } from '../../../src/orchestrator/doctor/judge-database.ts';
import type { DatabaseFacts } from '../../../src/orchestrator/doctor/judge-database.ts';
import { judgeDisk, judgeFolder } from '../../../src/orchestrator/doctor/judge-folder.ts';
import { judgeProviders, judgeServing } from '../../../src/orchestrator/doctor/judge-serving.ts';
import type { PortState } from '../../../src/orchestrator/doctor/judge-serving.ts';

const states = (checks: { id: string; state: string }[]): string[] => checks.map(({ id, state }) => `${id} ${state}`);

describe('the database', () => {
  const facts: DatabaseFacts = {
    address: 'db.example:5432/sluice',
    version: '18.4',
    major: 18,
    isReadOnly: false,
    mayCreate: true,
    migrations: [1, 2, 3],
    maxConnections: 100,
    reservedConnections: 3,
    connections: 20,
    ownConnections: 15,
    roundTripMs: 0.4,
    aheadMs: 2,
  };
  const needs = { oldestMajor: 15, newest: 3, connections: 30, embedded: false };
  const judge = (more: Partial<DatabaseFacts>, want = needs) => judgeDatabase({ ...facts, ...more }, want);

  test('all well', () => {
    expect(states(judge({}))).toEqual([
      'database ok',
      'schema ok',
      'connections ok',
      'latency ok',
      'database-clock ok',
    ]);
  });

  test.each<[string, Partial<DatabaseFacts>, string, RegExp]>([
    ['too old', { major: 14, version: '14.2' }, 'database fail', /15 or later/],
    ['a standby', { isReadOnly: true }, 'database fail', /primary/],
    ['of a later release', { migrations: [1, 2, 3, 4] }, 'schema fail', /later release/],
    ['without the right to begin', { migrations: undefined, mayCreate: false }, 'schema fail', /GRANT CREATE/],
    ['short of connections', { connections: 90, ownConnections: 0 }, 'connections warn', /max_connections/],
    ['far away', { roundTripMs: 45 }, 'latency warn', /near/],
    ['in another time', { aheadMs: -600_000 }, 'database-clock warn', /clock/],
  ])('%s', (_what, more, said, hint) => {
    const checks = judge(more);
    expect(states(checks)).toContain(said);
    expect(checks.find(({ state }) => state !== 'ok')?.hint).toMatch(hint);
  });

  test('one that is empty or behind is brought up to date by the next start', () => {
    expect(judge({ migrations: undefined })[1]).toMatchObject({
      state: 'ok',
      detail: 'none yet: the first start makes it',
    });
    expect(judge({ migrations: [1] })[1]).toMatchObject({ state: 'ok', detail: '1; the next start brings it to 3' });
  });

  test('an orchestrator that runs has its connections already', () => {
    expect(judge({ connections: 70, ownConnections: 25 })[2]?.state).toBe('ok');
    expect(judge({ maxConnections: 60, connections: 59 }, { ...needs, embedded: true })[2]?.state).toBe('ok');
  });
});

test.each<[string, number, number, string]>([
  ['60 GiB free', 60 * 1024, 1e6, 'ok'],
  ['700 MiB free', 700, 1e6, 'warn'],
  ['100 MiB free', 100, 1e6, 'fail'],
  ['only 12 more files', 60 * 1024, 12, 'fail'],
])('a disk: %s', (said, mib, ffree, state) => {
  const check = judgeDisk({ bsize: 4096, bavail: mib * 256, files: 1e7, ffree }, '/data');
  expect(check).toMatchObject({ state, detail: expect.stringContaining(said) as string });
  expect(check.hint === '').toBe(state === 'ok');
});

test('a file system that counts no files is not short of them', () => {
  expect(judgeDisk({ bsize: 4096, bavail: 1e7, files: 0, ffree: 0 }, '/data').state).toBe('ok');
});

test('the data folder: there or not yet, not writable, open to others', () => {
  const facts = { path: '/data', exists: true, isWritable: true, isOpen: false };
  expect(judgeFolder(facts).state).toBe('ok');
  expect(judgeFolder({ ...facts, exists: false }).detail).toContain('first start');
  expect(judgeFolder({ ...facts, isWritable: false })).toMatchObject({
    state: 'fail',
    hint: expect.stringContaining('fsGroup') as string,
  });
  expect(judgeFolder({ ...facts, isOpen: true })).toMatchObject({ state: 'warn', hint: 'chmod 700 /data' });
});

describe('what it serves', () => {
  const facts = {
    api: { address: '0.0.0.0:8080', state: 'ours' as PortState },
    agents: { address: '0.0.0.0:8443', state: 'open' as PortState },
    publicAddress: 'sluice.example:8443' as string | undefined,
    isAgentsLoopback: false,
  };

  test('an orchestrator has both ports, or both are free, or another program has one', () => {
    expect(states(judgeServing(facts))).toEqual(['api ok', 'agents ok', 'agents-reach ok']);
    const free = { api: { ...facts.api, state: 'free' as const }, agents: { ...facts.agents, state: 'free' as const } };
    expect(states(judgeServing({ ...facts, ...free }))).toEqual(['api ok', 'agents ok', 'agents-reach ok']);
    const foreign = { ...facts, api: { ...facts.api, state: 'foreign' as const } };
    expect(states(judgeServing(foreign))).toEqual(['api fail', 'agents fail', 'agents-reach ok']);
    expect(judgeServing(foreign)[0]?.hint).toContain('SLUICE_API_ADDRESS');
    const elsewhere = { ...facts, agents: { ...facts.agents, state: 'unknown' as const } };
    expect(judgeServing(elsewhere)[1]?.hint).toContain('SLUICE_AGENT_ADDRESS');
  });

  test('an address that no agent of another machine can dial is told', () => {
    const reach = (address: string, isAgentsLoopback: boolean, publicAddress?: string) =>
      judgeServing({ ...facts, agents: { address, state: 'free' }, isAgentsLoopback, publicAddress })[2];
    expect(reach('127.0.0.1:8443', true)).toMatchObject({ state: 'warn' });
    expect(reach('0.0.0.0:8443', false)?.hint).toContain('SLUICE_AGENT_PUBLIC_ADDRESS');
    expect(reach('10.0.0.7:8443', false)).toMatchObject({ state: 'ok', detail: 'agents are told 10.0.0.7:8443' });
    expect(reach('127.0.0.1:8443', true, 'sluice.example:443')).toMatchObject({ state: 'ok' });
  });
});

test('a metric provider that does not answer fails, none at all does not', () => {
  expect(states(judgeProviders([]))).toEqual(['metrics ok']);
  const providers = [
    { name: 'prom', fault: undefined },
    { name: 'old', fault: 'old does not answer' },
  ];
  expect(states(judgeProviders(providers))).toEqual(['metrics/prom ok', 'metrics/old fail']);
});
