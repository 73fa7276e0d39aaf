/** The stream of a deployment over real HTTP and a real store: nothing missed, nothing twice, and it ends. */

import type { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import { insertDeployment, newDeploymentId, setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { listEvents, recordEvent } from '../../src/orchestrator/store/events.ts';
import { rolloutId } from '../../src/orchestrator/store/rollouts.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';

let scratch: Scratch;
let orchestrator: Orchestrator;

beforeAll(async () => {
  scratch = makeScratch('http-stream');
  orchestrator = await startOrchestratorHere(scratch.folder);
});

afterAll(async () => {
  await orchestrator?.stop();
  await scratch?.remove();
});

/** Stored as if it ran, so that nobody takes it up: the test alone says what happens to it. */
async function makeDeployment(application: string): Promise<string> {
  const { store } = orchestrator;
  const id = newDeploymentId();
  const file = { application, targets: [] } as unknown as ResolvedFile;
  const rollouts = [{ target: 'staging', account: 'east', namespace: 'shop', steps: 2 }];
  await insertDeployment(store, { id, application, file, source: '', createdBy: 'test', rollouts });
  await setDeploymentState(store, id, 'running');
  return id;
}

async function record(id: string, seqs: number[]): Promise<void> {
  const { store } = orchestrator;
  for (const seq of seqs) {
    const message = `event ${seq}`;
    await recordEvent(store, { deploymentId: id, rolloutId: null, seq, kind: 'warning', message });
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

interface Seen {
  kind: string;
  id: number | undefined;
  data: { message?: string; state?: string; weight?: number };
}

/** Reads until the server ends the stream. */
async function readAll(id: string, headers: Record<string, string> = {}, opened = (): void => {}): Promise<Seen[]> {
  const response = await fetch(`${orchestrator.apiUrl}/v1/deployments/${id}/stream`, { headers });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  opened();
  const blocks = (await response.text())
    .split('\n\n')
    .filter((block) => block.startsWith('id: ') || block.startsWith('event: '));
  return blocks.map((block) => ({
    kind: /^event: (.*)$/m.exec(block)?.[1] ?? '',
    id: /^id: (.*)$/m.test(block) ? Number(/^id: (.*)$/m.exec(block)?.[1]) : undefined,
    data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '') as Seen['data'],
  }));
}

const messagesOf = (seen: Seen[]): unknown[] =>
  seen.filter(({ kind }) => kind === 'event').map(({ data }) => data.message);

describe('the stream of a deployment', () => {
  it('of one that is over tells everything and ends, with the deployment last', async () => {
    const id = await makeDeployment('over');
    await record(id, upTo(3));
    await setDeploymentState(orchestrator.store, id, 'succeeded');
    const seen = await readAll(id);
    expect(messagesOf(seen)).toEqual(['event 0', 'event 1', 'event 2']);
    expect(seen.map(({ kind }) => kind)).toEqual(['event', 'event', 'event', 'rollout', 'deployment']);
    expect(seen.at(-1)?.data.state).toBe('succeeded');
  });

  it('goes on after Last-Event-ID', async () => {
    const id = await makeDeployment('resumed');
    await record(id, upTo(4));
    await setDeploymentState(orchestrator.store, id, 'rolledBack');
    const second = (await readAll(id)).filter(({ kind }) => kind === 'event')[1]?.id;
    expect(messagesOf(await readAll(id, { 'last-event-id': String(second) }))).toEqual(['event 2', 'event 3']);
  });

  it('tells of each change while it happens', async () => {
    const id = await makeDeployment('live');
    const opened = Promise.withResolvers<void>();
    const reading = readAll(id, {}, opened.resolve);
    await opened.promise;
    await setDeploymentState(orchestrator.store, id, 'running');
    await recordEvent(orchestrator.store, {
      deploymentId: id,
      rolloutId: rolloutId(id, 'staging'),
      seq: 0,
      kind: 'rollout.weight',
      message: '25 % go to the canary',
      rollout: { weight: 25 },
    });
    await setDeploymentState(orchestrator.store, id, 'succeeded');
    const seen = await reading;
    expect(messagesOf(seen)).toEqual(['25 % go to the canary']);
    expect(seen.filter(({ kind }) => kind === 'rollout').at(-1)?.data.weight).toBe(25);
    expect(seen.at(-1)).toMatchObject({ kind: 'deployment', data: { state: 'succeeded' } });
  });

  it('misses nothing, tells nothing twice and ends when the deployment ends while the past is still being read', async () => {
    const id = await makeDeployment('racing');
    const { changes } = orchestrator.store;
    await record(id, upTo(20));
    const ended = await setDeploymentState(orchestrator.store, id, 'failed');
    if (ended === undefined) throw new Error('it was over before');
    // The moment between listening and reading: the newest event and the end are heard before the first event is read.
    const [newest] = await listEvents(orchestrator.store, id, 0).then((events) => events.slice(-1));
    const onListener = (name: string): void => {
      if (name !== 'deployment') return;
      (changes as EventEmitter).off('newListener', onListener);
      queueMicrotask(() => {
        if (newest) changes.emit('event', newest);
        changes.emit('deployment', ended);
      });
    };
    (changes as EventEmitter).on('newListener', onListener);
    const seen = await readAll(id);
    expect(messagesOf(seen)).toEqual(upTo(20).map((seq) => `event ${seq}`));
    expect(seen.filter(({ kind }) => kind === 'deployment')).toHaveLength(1);
    expect(seen.at(-1)).toMatchObject({ kind: 'deployment', data: { state: 'failed' } });
  });

  it('leaves no listener behind when its reader goes', async () => {
    const id = await makeDeployment('left');
    const { changes } = orchestrator.store;
    const before = changes.listenerCount('rollout');
    const left = new AbortController();
    const response = await fetch(`${orchestrator.apiUrl}/v1/deployments/${id}/stream`, { signal: left.signal });
    await response.body?.getReader().read();
    expect(changes.listenerCount('rollout')).toBe(before + 1);
    left.abort();
    await expect.poll(() => changes.listenerCount('rollout')).toBe(before);
  });
});
