/**
 * A link that loses nothing: thousands of operations under random faults of network, hub and agent, each of which ends in
 * exactly one stored outcome, and whose effects, which would add up if they were repeated, are counted in the cluster.
 * Every run deals each kind of fault; `npm run soak` deals ten thousand operations a thousand faults. `SEED=n` gives another run.
 */

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgentProcess } from '../support/agent-process.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Effects } from '../support/faults/effects.ts';
import { HubProgram } from '../support/faults/programs.ts';
import { FaultRelay } from '../support/faults/relay.ts';
import { seededDice } from '../support/faults/seeded.ts';
import { figures, isLong } from '../support/long-run.ts';
import { freePort } from '../support/free-port.ts';
import { TRAFFIC_SPLIT, installTrafficSplit, splitOf } from '../support/objects.ts';
import { seed } from '../support/seed.ts';
import { SmallHub } from '../support/small-hub.ts';
import { startEmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import type { EmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import type { Operation, OperationSpec } from '../../src/protocol/operation.ts';
import { encodeHubMessage } from '../../src/protocol/service.ts';
import { encodeOperation } from '../../src/protocol/operation-codec.ts';
import { silentLog } from '../../src/shared/log.ts';

/** How often all of {@link KINDS} are dealt. */
const DECKS = isLong ? 9 : 1;
const OPERATIONS = DECKS * 1_150;
const OBJECTS = 40;
/** Asked for and not ended, at most. */
const OUTSTANDING = 48;
/** Numbers of operations that nobody in charge ever asked for. */
const FORGED = 1_000_000;
const TOKEN = 'faults-token';

let plane: ControlPlane;
let folder: string;
let postgres: EmbeddedServer;
let database: Client;
let hub: HubProgram;
let relay: FaultRelay;
let agent: AgentProcess;
let effects: Effects;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  await installTrafficSplit(plane.api);
  for (let at = 0; at < OBJECTS; at++) {
    const split = splitOf(`s${at}`, 1, 0);
    const path = `/apis/${TRAFFIC_SPLIT}/namespaces/shop/trafficsplits`;
    await plane.api.call('POST', path, { ...split, spec: { ...(split['spec'] as object), seen: [] } });
  }
  postgres = await startEmbeddedServer(join(folder, 'postgres'), silentLog);
  await mkdir(join(folder, 'hub'));
  hub = new HubProgram(join(folder, 'hub'), postgres.url, TOKEN);
  await hub.start();
  relay = await new FaultRelay().listen();
  relay.upstream = hub.port;
  await writeFile(join(folder, 'credential.json'), JSON.stringify({ account: 'east', token: TOKEN }));
  agent = startAgent();
  database = new Client({ connectionString: postgres.url });
  await database.connect();
  effects = new Effects(plane, 'shop');
  effects.start();
}, 300_000);

afterAll(async () => {
  await effects?.stop();
  await agent?.[Symbol.asyncDispose]();
  await relay?.[Symbol.asyncDispose]();
  await hub?.kill();
  await database?.end();
  await postgres?.stop();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

function startAgent(): AgentProcess {
  return startAgentProcess({
    SLUICE_SERVER: `127.0.0.1:${relay.port}`,
    SLUICE_INSECURE_LOOPBACK: '1',
    SLUICE_CREDENTIAL_FILE: join(folder, 'credential.json'),
    SLUICE_ALLOWED_NAMESPACES: 'shop',
    SLUICE_KUBECONFIG: plane.kubeconfig,
    SLUICE_RECONNECT_MAX_SECONDS: '0.2',
    SLUICE_LOG_LEVEL: 'error',
  });
}

/** Mostly effects that would add up. The rest is what runs beside them. */
function specOf(number: number): OperationSpec {
  const object = { apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name: `s${number % OBJECTS}` };
  switch (number % 10) {
    case 7:
      return { kind: 'get', object };
    case 8:
      return { kind: 'list', apiVersion: TRAFFIC_SPLIT, objectKind: 'TrafficSplit', namespace: 'shop' };
    case 9:
      return { kind: 'patch', object, type: 'merge', body: { spec: { last: number } } };
    default:
      return { kind: 'patch', object, type: 'json', body: [{ op: 'add', path: '/spec/seen/-', value: number }] };
  }
}

const isEffect = (number: number): boolean => number % 10 < 7;

/** Operations asked for, by number. */
const asked = new Map<number, Operation>();

function ask(number: number, patienceMs: number): void {
  const notAfterMs = Date.now() + patienceMs;
  const operation = { id: `op-${number}`, deploymentId: 'd', namespace: 'shop', notAfterMs, spec: specOf(number) };
  asked.set(number, operation);
  hub.execute({ execute: { account: 'east', operation } });
}

/** What a killed hub was told and had not written down, its successor is asked again: so does a run. */
async function askAgain(): Promise<void> {
  const { rows } = await database.query<{ id: string }>('select id from sluice.operation');
  const known = new Set(rows.map(({ id }) => id));
  for (const operation of asked.values()) {
    if (!known.has(operation.id)) hub.execute({ execute: { account: 'east', operation } });
  }
}

async function ended(): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    'select count(*)::int as n from sluice.operation where ended_at is not null',
  );
  return rows[0]?.n ?? 0;
}

/** How often each is dealt in one deck. */
const KINDS = {
  cut: 30,
  tear: 18,
  swallowResult: 10,
  cutAfterResult: 10,
  repeatOperation: 10,
  keepOperation: 8,
  keepResult: 6,
  staleEpoch: 6,
  stopAgent: 3,
  stopHub: 3,
  freeze: 1,
  secondAgent: 3,
  killAgent: 3,
  killHub: 3,
  staleHub: 2,
} as const;
type Fault = keyof typeof KINDS;

const dice = seededDice(seed);
const faults = Array.from({ length: DECKS }, () => dice.deck(KINDS)).flat();
let forged = 0;

/** Each begins at whatever happens to be under way. */
async function inflict(fault: Fault): Promise<void> {
  switch (fault) {
    case 'cut':
      return relay.cut();
    case 'tear':
      return relay.tear(1 + dice.below(2000));
    case 'swallowResult':
    case 'cutAfterResult':
    case 'repeatOperation':
    case 'keepOperation':
    case 'keepResult':
      return relay.arm(fault);
    case 'staleEpoch':
      return forgeStale();
    case 'stopAgent':
      return stopFor(1500 + dice.below(2000), (signal) => agent.kill(signal));
    case 'stopHub':
      return stopFor(1500 + dice.below(2000), (signal) => hub.signal(signal));
    case 'freeze':
      relay.freeze();
      await delay(10_000);
      return relay.thaw();
    case 'secondAgent':
    case 'killAgent':
      return replaceAgent(fault === 'secondAgent');
    case 'killHub':
      await hub.kill();
      await hub.start();
      relay.upstream = hub.port;
      return askAgain();
    case 'staleHub':
      return visitStaleHub();
  }
}

async function stopFor(ms: number, send: (signal: 'SIGSTOP' | 'SIGCONT') => void): Promise<void> {
  send('SIGSTOP');
  await delay(ms);
  send('SIGCONT');
}

/** The second is there before the first is gone, or the first dies in the middle of its work. */
async function replaceAgent(overlaps: boolean): Promise<void> {
  const old = agent;
  if (!overlaps) await old[Symbol.asyncDispose]();
  const before = relay.welcomes;
  agent = startAgent();
  while (relay.welcomes === before) await delay(20);
  if (overlaps) await old[Symbol.asyncDispose]();
}

/** An operation of an orchestrator that was replaced, in the middle of a session that is good. */
function forgeStale(): void {
  const number = FORGED + forged++;
  const spec: OperationSpec = { ...specOf(0), kind: 'patch', type: 'json' } as OperationSpec;
  const body = [{ op: 'add', path: '/spec/seen/-', value: number }];
  const operation: Operation = {
    id: `forged-${number}`,
    deploymentId: 'd',
    namespace: 'shop',
    notAfterMs: Date.now() + 60_000,
    generation: Number.MAX_SAFE_INTEGER - forged,
    spec: { ...spec, body } as OperationSpec,
  };
  relay.forge(encodeHubMessage({ body: 'operation', operation: encodeOperation(operation, 0, false) }));
}

/** A hub on an old copy of the database: its epoch is behind, and it sends what it believes to be due. */
async function visitStaleHub(): Promise<void> {
  await using stale = await new SmallHub({ port: await freePort(), epoch: 0 }).listen();
  relay.upstream = stale.port;
  relay.cut();
  await Promise.race([stale.until('the agent comes', () => stale.hellos.length > 0), delay(3000)]);
  const number = FORGED + forged++;
  const object = { apiVersion: TRAFFIC_SPLIT, kind: 'TrafficSplit', name: 's0' };
  const body = [{ op: 'add', path: '/spec/seen/-', value: number }];
  stale.deliver(stale.operation('shop', { kind: 'patch', object, type: 'json', body }));
  await delay(100);
  relay.upstream = hub.port;
}

async function issue(): Promise<void> {
  // Its own dice: faults and operations run side by side, in an order that no seed can hold.
  const patience = seededDice(seed + 1);
  while (asked.size < OPERATIONS) {
    const room = OUTSTANDING - (asked.size - (await ended()));
    // Some expire in any outage; most outlive it.
    for (let more = Math.min(room, OPERATIONS - asked.size); more > 0; more--) {
      ask(asked.size, 2000 + patience.next() ** 2 * 60_000);
    }
    await delay(50);
  }
}

test(
  `${OPERATIONS} operations under ${faults.length} faults: each ends once, happens at most once, none late, none by an older epoch (seed=${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const started = Date.now();
    const issuing = issue();
    for (const [number, fault] of faults.entries()) {
      // A cut where nothing is up would be none.
      for (let waitedMs = 0; !relay.isUp && waitedMs < 3000; waitedMs += 10) await delay(10);
      await inflict(fault);
      // Spread over the operations: the last fault comes while the last of them are under way.
      await delay(dice.below(120));
      while (asked.size < (number / faults.length) * OPERATIONS) await delay(20);
    }
    await issuing;
    relay.disarm();
    relay.thaw();
    const deadline = Date.now() + 120_000;
    while ((await ended()) < OPERATIONS && Date.now() < deadline) await delay(200);
    await effects.stop();
    await effects.look();
    const { rows } = await database.query<{
      id: string;
      state: string;
      code: string;
      notAfter: Date;
      ended: Date | null;
    }>('select id, state, code, not_after as "notAfter", ended_at as ended from sluice.operation');
    const outcomes: Record<string, number> = {};
    for (const { state, code } of rows) outcomes[`${state} ${code}`] = (outcomes[`${state} ${code}`] ?? 0) + 1;
    const seconds = Math.round((Date.now() - started) / 1000);
    figures('link-faults', { seed, seconds, sessions: relay.welcomes, faults: faults.length, outcomes });

    expect(hub.failures).toEqual([]);
    expect(rows).toHaveLength(OPERATIONS);
    expect(rows.filter(({ ended: at }) => at === null)).toEqual([]);
    const wrong = rows.flatMap(({ id, state, notAfter }) => {
      const number = Number(id.slice('op-'.length));
      if (!isEffect(number)) return [];
      const effect = effects.of(number);
      const count = effect?.count ?? 0;
      if (count > 1) return [`${id} happened ${count} times`];
      if (state === 'succeeded' && count === 0) return [`${id} is said to have succeeded and did not happen`];
      if (state === 'rejected' && count > 0) return [`${id} is said never to have run and happened`];
      if (effect && effect.notBeforeMs > notAfter.getTime()) return [`${id} happened after its deadline`];
      return [];
    });
    expect(wrong).toEqual([]);
    expect(effects.numbers.filter((number) => number >= FORGED)).toEqual([]);
    // Most must get through, or nothing was tried.
    expect(rows.filter(({ state }) => state === 'succeeded').length).toBeGreaterThan(OPERATIONS / 2);
  },
);
