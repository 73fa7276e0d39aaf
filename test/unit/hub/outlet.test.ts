/** What the hub has to say waits for its agent within bounds, and in the right order. */

import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ChunkJoiner } from '../../../src/protocol/chunk.ts';
import type { HubMessage, HubMessage__Output } from '../../../src/protocol/gen/sluice/agent/v1/HubMessage.ts';
import { LIMITS, decodeHubMessage } from '../../../src/protocol/service.ts';
import { Outlet } from '../../../src/orchestrator/hub/outlet.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A stream that takes as much as it is told to. */
class Peer extends EventEmitter {
  readonly messages: HubMessage__Output[] = [];
  #written: (() => void)[] = [];
  takes = true;

  write(encoded: Buffer, written: () => void): boolean {
    this.messages.push(decodeHubMessage(encoded));
    if (this.takes) written();
    else this.#written.push(written);
    return this.takes;
  }

  /** The transport has taken one more. */
  takeOne(): void {
    this.#written.shift()?.();
    if (this.#written.length === 0) this.emit('drain');
  }

  get bodies(): (string | undefined)[] {
    return this.messages.map((message) => message.body);
  }
}

function open(terms = {}): { peer: Peer; outlet: Outlet; clock: ManualClock; faults: unknown[] } {
  const peer = new Peer();
  const clock = new ManualClock();
  const faults: unknown[] = [];
  const { maxMessageBytes, maxTotalBytes } = LIMITS;
  const outlet = new Outlet({
    sink: peer,
    clock,
    terms: { maxMessageBytes, maxTotalBytes, ...terms },
    onFault: (error) => faults.push(error),
  });
  return { peer, outlet, clock, faults };
}

const beat = (atMs: number) => () => ({ body: 'heartbeat', heartbeat: { atMs } }) as const;
const set = (...ids: string[]) => {
  return () => ({ body: 'watchSet', watchSet: { watches: ids.map((id) => ({ id })) } }) as const;
};
const operation = (id: string, bytes = 0): HubMessage => ({
  body: 'operation',
  operation: { id, spec: 'apply', apply: { objects: [Buffer.alloc(bytes, 'x')] } },
});

describe('an agent that does not read', () => {
  it('leaves one heartbeat, one set of watches and its acknowledgements waiting, however long it takes', () => {
    const { peer, outlet } = open();
    peer.takes = false;
    outlet.send(operation('first'));
    for (let round = 0; round < 1_000; round++) {
      outlet.heartbeat(beat(round));
      outlet.watchSet(set(`w${round}`));
      outlet.stored(`op-${round % 10}`);
    }
    expect(outlet.waiting).toBe(4);
    expect(peer.messages).toHaveLength(1);
    peer.takes = true;
    peer.takeOne();
    expect(peer.bodies).toEqual(['operation', 'heartbeat', 'resultStored', 'watchSet']);
    expect(peer.messages[1]?.heartbeat?.atMs).toBe(999);
    expect(peer.messages[2]?.resultStored?.ids).toHaveLength(10);
    expect(peer.messages[3]?.watchSet?.watches.map((watch) => watch.id)).toEqual(['w999']);
    expect(outlet.waiting).toBe(0);
  });

  it('is known by the time in which it took nothing, not by that for which something waits', () => {
    const { peer, outlet, clock } = open();
    clock.advance(60_000);
    expect(outlet.stalledMs).toBe(0);
    peer.takes = false;
    outlet.send(operation('a'));
    clock.advance(5_000);
    outlet.send(operation('b'));
    expect(outlet.stalledMs).toBe(5_000);
    peer.takeOne();
    expect(outlet.stalledMs).toBe(0);
    clock.advance(7_000);
    expect(outlet.stalledMs).toBe(7_000);
    peer.takeOne();
    clock.advance(7_000);
    expect(outlet.stalledMs).toBe(0);
  });

  it('may not have more and more acknowledged', () => {
    const { peer, outlet } = open();
    peer.takes = false;
    const flood = (): void => {
      for (let index = 0; index < 20_000; index++) outlet.stored(String(index));
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  });

  it('is sent its farewell past what waits, which is dropped', () => {
    const { peer, outlet } = open();
    peer.takes = false;
    outlet.send(operation('a'));
    outlet.send(operation('b'));
    outlet.close({ body: 'goAway', goAway: { reason: 'stop' } });
    outlet.send(operation('c'));
    outlet.heartbeat(beat(1));
    peer.takes = true;
    peer.takeOne();
    peer.takeOne();
    expect(peer.bodies).toEqual(['operation', 'goAway']);
  });
});

describe('a large message', () => {
  it('goes in pieces, between which small ones pass', () => {
    const { peer, outlet } = open();
    outlet.send(operation('a'));
    peer.takes = false;
    outlet.send(operation('large', 1_000_000));
    outlet.send(operation('b'));
    outlet.heartbeat(beat(1));
    for (let round = 0; round < 10; round++) peer.takeOne();
    expect(peer.bodies).toEqual(['operation', 'chunk', 'heartbeat', 'operation', 'chunk', 'chunk', 'chunk']);
    const joiner = new ChunkJoiner();
    const whole = peer.messages.flatMap(({ chunk }) => (chunk ? (joiner.take(chunk) ?? []) : []));
    expect(whole.map((each) => decodeHubMessage(each).operation?.id)).toEqual(['large']);
  });

  it('is not overtaken by the word that takes it back', () => {
    const { peer, outlet } = open();
    peer.takes = false;
    outlet.send(operation('a'));
    outlet.send(operation('large', 400_000));
    outlet.sendBehind({ body: 'cancel', cancel: { id: 'large' } });
    outlet.send(operation('b'));
    outlet.sendBehind({ body: 'cancel', cancel: { id: 'b' } });
    for (let round = 0; round < 10; round++) peer.takeOne();
    expect(peer.bodies).toEqual(['operation', 'operation', 'chunk', 'chunk', 'cancel', 'cancel']);
  });

  it('goes in pieces that fit an agent that takes little at once', () => {
    const { peer, outlet } = open({ maxMessageBytes: 10_000 });
    outlet.send(operation('large', 50_000));
    expect(peer.bodies).toEqual(Array.from({ length: 6 }, () => 'chunk'));
  });

  it('goes in one where the agent knows no chunks, and not at all over its limit', () => {
    const { peer, outlet } = open({ maxTotalBytes: 0 });
    outlet.send(operation('large', 1_000_000));
    expect(peer.bodies).toEqual(['operation']);
    expect(() => outlet.send(operation('larger', 1_100_000))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(peer.bodies).toEqual(['operation']);
  });

  it('is not begun above the limit of all', () => {
    const { peer, outlet } = open();
    const larger = operation('larger', LIMITS.maxTotalBytes);
    expect(() => outlet.send(larger)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(peer.bodies).toEqual([]);
  });

  it('that cannot be made in its turn is said, and ends nothing but the session', () => {
    const { outlet, faults } = open({ maxTotalBytes: 0, maxMessageBytes: 1_000 });
    outlet.watchSet(set('w'.repeat(2_000)));
    expect(faults).toEqual([expect.objectContaining({ code: 'TOO_LARGE' })]);
  });
});
