import { expect, test } from 'vitest';
import { Outlet } from '../../../src/agent/stream/outlet.ts';
import { ChunkJoiner } from '../../../src/protocol/chunk.ts';
import { decodeAgentMessage } from '../../../src/protocol/service.ts';
import type { PodRecord, Snapshot } from '../../../src/protocol/snapshot.ts';
import { silentLog } from '../../../src/shared/log.ts';

/** Takes `room` messages, then none until it drains; as a stream whose peer does not read. */
class Pipe {
  readonly written: ReturnType<typeof decodeAgentMessage>[] = [];
  #room: number;
  #onDrain: (() => void) | undefined;

  constructor(room: number) {
    this.#room = room;
  }

  write(encoded: Buffer): boolean {
    this.written.push(decodeAgentMessage(encoded));
    this.#room -= 1;
    return this.#room > 0;
  }

  once(_event: 'drain', listener: () => void): void {
    this.#onDrain = listener;
  }

  drain(room: number): void {
    this.#room = room;
    const listener = this.#onDrain;
    this.#onDrain = undefined;
    listener?.();
  }

  bodies(): (string | undefined)[] {
    return this.written.map((each) => (each.status ? each.status.id : each.body));
  }
}

const pod = (name: string, failing = false): PodRecord => ({
  name,
  uid: name,
  hash: '',
  phase: 'Running',
  ready: !failing,
  deleting: false,
  restarts: 0,
  reason: '',
  message: 'x'.repeat(200),
  failing,
});

const picture = (watchId: string, version: number, pods: PodRecord[] = []): Snapshot => ({
  watchId,
  version,
  atMs: 0,
  complete: true,
  stale: false,
  staleReason: '',
  replicaSets: [],
  pods,
  endpoints: [],
  routes: [],
  profiles: [],
  jobs: [],
});

function open(room: number, snapshot: (watchId: string) => Snapshot | undefined) {
  const pipe = new Pipe(room);
  const clock = { nowMs: 0 };
  return { pipe, clock, outlet: new Outlet({ sink: pipe, log: silentLog, now: () => clock.nowMs, snapshot }) };
}

const result = (id: string, value?: unknown) =>
  ({ id, state: 'succeeded', code: 'OK', message: '', atMs: 0, ...(value === undefined ? {} : { value }) }) as const;

test('a peer that does not read gets nothing more; then heartbeats first, results all and in order, pictures newest only', () => {
  let version = 0;
  const { pipe, outlet } = open(1, (id) => picture(id, ++version));
  outlet.sendStatus(result('a'), 1);
  for (const id of ['b', 'c', 'd']) outlet.sendStatus(result(id), 1);
  for (let news = 0; news < 1000; news++) outlet.announce(news % 2 === 0 ? 'w1' : 'w2');
  for (let beat = 1; beat <= 40; beat++) outlet.beat({ body: 'heartbeat', heartbeat: { atMs: beat } });
  expect(pipe.bodies()).toEqual(['a']);
  expect(version).toBe(0);
  pipe.drain(100);
  expect(pipe.bodies()).toEqual(['a', 'heartbeat', 'b', 'c', 'd', 'snapshot', 'snapshot']);
  expect(pipe.written[1]?.heartbeat?.atMs).toBe(40);
  expect(version).toBe(2);
  expect(outlet.queued).toBe(0);
});

test('how long the other side has read nothing is known, and over when it reads', () => {
  const { pipe, outlet, clock } = open(1, () => undefined);
  outlet.sendStatus(result('a'), 1);
  clock.nowMs = 45_000;
  expect(outlet.stalledMs).toBe(45_000);
  pipe.drain(100);
  expect(outlet.stalledMs).toBe(0);
});

test('a large result goes in chunks that join to the same, and small ones pass between them', () => {
  const { pipe, outlet } = open(1, () => undefined);
  outlet.maxTotalBytes = 8 * 1024 * 1024;
  const value = 'x'.repeat(1024 * 1024);
  outlet.sendStatus(result('first'), 1);
  outlet.sendStatus(result('big', value), 1);
  for (const id of ['b', 'c']) outlet.sendStatus(result(id), 1);
  outlet.sendStatus(result('big2', value), 1);
  outlet.sendStatus(result('d'), 1);
  pipe.drain(100);
  const kinds = pipe.bodies().map((each) => (each === 'chunk' ? '#' : each));
  expect(kinds.join(' ')).toBe('first # b # c # # # # d # # # #');
  const joiner = new ChunkJoiner();
  const joined = pipe.written.flatMap(({ chunk }) => (chunk && joiner.take(chunk)) ?? []).map(decodeAgentMessage);
  expect(joined.map((each) => [each.status?.id, each.status?.result.byteLength])).toEqual([
    ['big', value.length + 2],
    ['big2', value.length + 2],
  ]);
});

test('what no chunks can carry ends as TOO_LARGE', () => {
  const { pipe, outlet } = open(100, () => undefined);
  outlet.maxTotalBytes = 1024 * 1024;
  outlet.sendStatus(result('big', 'x'.repeat(2 * 1024 * 1024)), 1);
  expect(pipe.written[0]?.status).toMatchObject({ id: 'big', state: 'FAILED', code: 'TOO_LARGE' });
});

test('a result that is too large ends as TOO_LARGE, and the stream lives on', () => {
  const { pipe, outlet } = open(100, () => undefined);
  outlet.sendStatus(result('big', 'x'.repeat(2 * 1024 * 1024)), 1);
  outlet.sendStatus(result('small', 'x'), 1);
  expect(pipe.written.map((each) => [each.status?.id, each.status?.state, each.status?.code])).toEqual([
    ['big', 'FAILED', 'TOO_LARGE'],
    ['small', 'SUCCEEDED', 'OK'],
  ]);
});

test('a picture of too many pods keeps the failing ones, and says that it is not whole', () => {
  const pods = Array.from({ length: 10_000 }, (_, at) => pod(`p${at}`, at % 2000 === 0));
  const { pipe, outlet } = open(100, (id) => picture(id, 1, pods));
  outlet.announce('w');
  const { snapshot } = pipe.written[0]!;
  expect(snapshot).toMatchObject({ stale: true, staleReason: expect.stringContaining('10000 pods') });
  expect(snapshot!.pods).toHaveLength(5);
});

test('what is queued when a session ends is not sent in it any more', () => {
  const { pipe, outlet } = open(1, (id) => picture(id, 1));
  outlet.sendStatus(result('a'), 1);
  outlet.sendStatus(result('b'), 1);
  outlet.close();
  pipe.drain(100);
  outlet.announce('w');
  expect(pipe.bodies()).toEqual(['a']);
});
