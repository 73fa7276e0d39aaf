/** The store keeps one active deployment per application, records each event once, and never moves a rollout back. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/shared/log.ts';
import type { OperationResult } from '../../src/protocol/operation.ts';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import {
  closeSession,
  identityOfAccount,
  listAgents,
  openSession,
  revokeAgent,
  saveAgent,
} from '../../src/orchestrator/store/agents.ts';
import { controlsAfter, insertControl, onControl } from '../../src/orchestrator/store/controls.ts';
import {
  insertDeployment,
  listDeployments,
  newDeploymentId,
  readDeployment,
  setDeploymentState,
} from '../../src/orchestrator/store/deployments.ts';
import { lastSeq, listEvents, recordEvent } from '../../src/orchestrator/store/events.ts';
import type { EventRow } from '../../src/orchestrator/store/events.ts';
import {
  insertOperation,
  openOperations,
  readOperation,
  storeResult,
} from '../../src/orchestrator/store/operations.ts';
import { listRollouts, readRollout, rolloutId } from '../../src/orchestrator/store/rollouts.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import type { OpenStore } from '../../src/orchestrator/store/store.ts';
import { noteWatched, readWatched } from '../../src/orchestrator/store/timers.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let scratch: Scratch | undefined;
let folder: string;
let store: OpenStore;

beforeAll(async () => {
  scratch = makeScratch('store');
  folder = join(scratch.folder, 'data');
  store = await openStore({ dataDir: folder, log: silentLog });
});

afterAll(async () => {
  await store.close();
  await scratch?.remove();
});

const FILE: ResolvedFile = { application: 'shop', description: '', context: {}, targets: [], ifInProgress: 'reject' };
let count = 0;

async function deploy(application: string, targets = ['prod']): Promise<string> {
  const result = await tryDeploy(application, targets);
  if (!result.inserted) throw new Error(`${application} is being deployed`);
  return result.deployment.id;
}

function tryDeploy(application: string, targets = ['prod']): ReturnType<typeof insertDeployment> {
  const rollouts = targets.map((target) => ({ target, account: 'east', namespace: 'shop', steps: 3 }));
  const id = newDeploymentId(1_700_000_000_000 + count++, () => 0);
  return insertDeployment(store, {
    id,
    application,
    file: { ...FILE, application },
    source: 'kind: kubernetes',
    createdBy: 'ada',
    rollouts,
  });
}

test('an application has one active deployment; the second is told which', async () => {
  const id = await deploy('one');
  expect(await tryDeploy('one')).toMatchObject({ inserted: false, active: { id, state: 'pending' } });
  await setDeploymentState(store, id, 'stalled', 'a person has to act');
  expect((await tryDeploy('one')).inserted).toBe(false);
  await setDeploymentState(store, id, 'rolledBack', 'asked');
  expect((await tryDeploy('one')).inserted).toBe(true);
  expect((await listDeployments(store, { application: 'one' })).map((row) => row.state)).toEqual([
    'pending',
    'rolledBack',
  ]);
});

test('of many at once exactly one is taken', async () => {
  const results = await Promise.all(Array.from({ length: 8 }, () => tryDeploy('race')));
  expect(results.filter((result) => result.inserted)).toHaveLength(1);
});

test('a deployment is kept with its file, source and rollouts, and what is over never moves again', async () => {
  const id = await deploy('kept', ['dev', 'prod']);
  expect(await readDeployment(store, id)).toMatchObject({
    source: 'kind: kubernetes',
    file: { application: 'kept' },
    startedAt: null,
  });
  expect((await listRollouts(store, id)).map((row) => [row.id, row.state, row.steps])).toEqual([
    [`${id}:dev`, 'pending', 3],
    [`${id}:prod`, 'pending', 3],
  ]);
  expect((await setDeploymentState(store, id, 'running'))?.startedAt).toBeInstanceOf(Date);
  expect((await setDeploymentState(store, id, 'succeeded'))?.endedAt).toBeInstanceOf(Date);
  expect(await setDeploymentState(store, id, 'running')).toBeUndefined();
  expect((await readDeployment(store, id))?.state).toBe('succeeded');
});

test('a replayed event is recorded once and moves nothing back', async () => {
  const deploymentId = await deploy('replay');
  const id = rolloutId(deploymentId, 'prod');
  const seen: string[] = [];
  const listen = (event: EventRow): number => seen.push(event.kind);
  store.changes.on('event', listen);
  const event = (seq: number, weight: number) =>
    recordEvent(store, {
      deploymentId,
      rolloutId: id,
      seq,
      kind: `weight-${weight}`,
      message: `weight is ${weight} %`,
      detail: { weight },
      rollout: { state: 'running', phase: 'steps', weight, verdicts: [{ verdict: 'passed' }] },
    });
  expect(await event(0, 10)).toMatchObject({ seq: 0, detail: { weight: 10 } });
  expect(await event(1, 25.5)).toMatchObject({ seq: 1 });
  expect(await event(0, 10)).toBeUndefined();
  store.changes.off('event', listen);
  expect(seen).toEqual(['weight-10', 'weight-25.5']);
  expect(await readRollout(store, id)).toMatchObject({
    weight: 25.5,
    updatedSeq: 1,
    state: 'running',
    endedAt: null,
    verdicts: [{ verdict: 'passed' }],
  });
  expect(await lastSeq(store, deploymentId, id)).toBe(1);
  expect(await lastSeq(store, deploymentId, null)).toBe(-1);
});

test('events of the deployment itself have their own count, and a replay of one is one', async () => {
  const deploymentId = await deploy('own-count');
  for (const seq of [0, 0, 1])
    await recordEvent(store, { deploymentId, rolloutId: null, seq, kind: 'started', message: 'it began' });
  expect((await listEvents(store, deploymentId)).map((event) => event.seq)).toEqual([0, 1]);
});

test('who reads events after the last id misses none, whatever is recorded meanwhile, and who listens is told in the same order', async () => {
  const targets = Array.from({ length: 6 }, (_, index) => `t${index}`);
  const deploymentId = await deploy('order', targets);
  const read: number[] = [];
  const told: number[] = [];
  const listen = (event: EventRow): number => told.push(event.id);
  store.changes.on('event', listen);
  const writing = new AbortController();
  const readOn = async (): Promise<number> => {
    const events = await listEvents(store, deploymentId, read.at(-1) ?? 0);
    read.push(...events.map((event) => event.id));
    return events.length;
  };
  const reader = (async () => {
    while (!writing.signal.aborted) await readOn();
    await readOn();
  })();
  await Promise.all(
    targets.map(async (target) => {
      for (let seq = 0; seq < 20; seq++)
        await recordEvent(store, {
          deploymentId,
          rolloutId: rolloutId(deploymentId, target),
          seq,
          kind: 'tick',
          message: 'tick',
        });
    }),
  );
  writing.abort();
  await reader;
  store.changes.off('event', listen);
  expect(read).toHaveLength(120);
  expect(told).toEqual(read);
});

test('an event of no deployment is refused', async () => {
  const event = { deploymentId: 'dep_none', rolloutId: null, seq: 0, kind: 'x', message: 'x' };
  await expect(recordEvent(store, event)).rejects.toMatchObject({ code: 'NO_SUCH_DEPLOYMENT' });
});

test('a control reaches its rollout and wakes the one who waits', async () => {
  const deploymentId = await deploy('control', ['dev', 'prod']);
  const woken: string[] = [];
  const stop = onControl(store, deploymentId, (control) => woken.push(control.kind));
  const approve = await insertControl(store, {
    deploymentId,
    rolloutId: `${deploymentId}:dev`,
    kind: 'approve',
    by: 'ada',
  });
  const abort = await insertControl(store, { deploymentId, kind: 'abort', by: 'ada', reason: 'too slow' });
  stop();
  await insertControl(store, { deploymentId, kind: 'abort', by: 'ada' });
  expect(woken).toEqual(['approve', 'abort']);
  const of = async (target: string, after: number) =>
    (await controlsAfter(store, rolloutId(deploymentId, target), deploymentId, after)).map((control) => control.kind);
  expect(await of('dev', 0)).toEqual(['approve', 'abort', 'abort']);
  expect(await of('prod', 0)).toEqual(['abort', 'abort']);
  expect(await of('dev', approve.id)).toEqual(['abort', 'abort']);
  expect(await of('dev', abort.id)).toEqual(['abort']);
  await expect(insertControl(store, { deploymentId: 'dep_none', kind: 'abort', by: 'ada' })).rejects.toMatchObject({
    code: 'NO_SUCH_DEPLOYMENT',
  });
});

test('watched time only grows', async () => {
  const id = rolloutId(await deploy('timer'), 'prod');
  expect(await readWatched(store, id, 4)).toBe(0);
  await noteWatched(store, id, 4, 1500.7);
  await noteWatched(store, id, 4, 900);
  expect(await readWatched(store, id, 4)).toBe(1500);
});

test('the first result of an operation holds, and only its own account can give it', async () => {
  const operation = {
    id: 'op-1',
    deploymentId: 'dep_x',
    namespace: 'shop',
    notAfterMs: 1_800_000_000_000,
    spec: { kind: 'scale' as const, object: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, replicas: 3 },
  };
  expect(await insertOperation(store, 'east', operation)).toMatchObject({ state: 'open', result: undefined });
  expect(await insertOperation(store, 'east', { ...operation, notAfterMs: 5 })).toMatchObject({
    notAfterMs: 1_800_000_000_000,
    spec: operation.spec,
  });
  expect((await openOperations(store, 'east')).map((row) => row.id)).toEqual(['op-1']);
  const result: OperationResult = {
    id: 'op-1',
    state: 'succeeded',
    code: 'OK',
    message: '',
    value: { object: {} },
    atMs: 1_700_000_000_000,
  };
  expect(await storeResult(store, 'west', result)).toBe(false);
  expect(await storeResult(store, 'east', result)).toBe(true);
  expect(await storeResult(store, 'east', { ...result, state: 'failed', code: 'CONFLICT' })).toBe(false);
  expect((await readOperation(store, 'op-1'))?.result).toEqual(result);
  expect((await insertOperation(store, 'east', operation)).result).toEqual(result);
  expect(await openOperations(store)).toEqual([]);
});

test('each session has a higher epoch than any the agent saw, and a late farewell does not mark the newer one as gone', async () => {
  const facts = {
    instanceId: 'pod-1',
    agentVersion: '0.1.0',
    kubernetesVersion: 'v1.37',
    protocol: 2,
    missingRights: [{ namespace: 'shop', group: 'apps', resource: 'deployments', verb: 'patch' }],
    namespaces: ['shop'],
    lastEpoch: 0,
  };
  const certificate = (serial: string) => ({ serial, endsAt: new Date(), authority: 'ab' });
  expect(await openSession(store, 'nobody', facts)).toBeUndefined();
  await saveAgent(store, 'east', 'hash', certificate('01'));
  expect((await openSession(store, 'east', facts))?.epoch).toBe(1);
  expect((await openSession(store, 'east', { ...facts, lastEpoch: 40 }))?.epoch).toBe(41);
  await closeSession(store, 'east', 1, 'replaced');
  expect((await listAgents(store)).find((agent) => agent.account === 'east')).toMatchObject({
    disconnectedAt: null,
    namespaces: ['shop'],
    protocol: 2,
    missingRights: facts.missingRights,
  });
  await closeSession(store, 'east', 41, 'heartbeats missed');
  expect((await listAgents(store)).find((agent) => agent.account === 'east')?.disconnectReason).toBe(
    'heartbeats missed',
  );
  expect(await revokeAgent(store, 'east')).toBe(true);
  expect(await openSession(store, 'east', facts)).toBeUndefined();
  await saveAgent(store, 'east', 'hash-2', certificate('02'));
  expect(await identityOfAccount(store, 'east')).toMatchObject({
    certificateSerial: '02',
    previousSerial: null,
    revokedAt: null,
  });
});
