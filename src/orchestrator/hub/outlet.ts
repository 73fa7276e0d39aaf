/** Everything the hub writes on one stream: in the right order, never faster than the agent reads, and bounded while it does not. */

import type { Clock } from '../../shared/clock.ts';
import { SluiceError } from '../../shared/errors.ts';
import { splitMessage } from '../../protocol/chunk.ts';
import type { HubMessage } from '../../protocol/gen/sluice/agent/v1/HubMessage.ts';
import { LIMITS, encodeHubMessage } from '../../protocol/service.ts';
import type { Terms } from './admission.ts';

interface Sink {
  /** @returns false: no more until `drain`. */
  write(encoded: Buffer, written: () => void): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

export interface OutletOptions {
  sink: Sink;
  clock: Clock;
  terms: Pick<Terms, 'maxMessageBytes' | 'maxTotalBytes'>;
  /** A message that was to be made when it could be sent cannot be. */
  onFault: (error: unknown) => void;
}

/** Acknowledgements that wait: of an agent that says so much and reads nothing, the session ends. */
const MOST_STORED = 10_000;
/** So many go into one message, whatever the agent's limit: an id is short. */
const STORED_AT_ONCE = 32;
/** What a piece has besides its data. */
const CHUNK_OVERHEAD = 256;
const SMALLEST_CHUNK = 4 * 1024;

/**
 * Bounded: operations by credit, of heartbeats and sets of watches only the newest waits, acknowledgements by their number.
 * Small messages go before the pieces of large ones, and heartbeats before all.
 */
export class Outlet {
  readonly #options: OutletOptions;
  /** Made when it can be sent, so that its time is right. */
  #heartbeat: (() => HubMessage) | undefined;
  #stored = new Set<string>();
  #queue: Buffer[] = [];
  #pieces: Buffer[] = [];
  /** The newest set, made when it can be sent. */
  #watchSet: (() => HubMessage) | undefined;
  #isBlocked = false;
  #isClosed = false;
  #chunked = 0;
  /** Messages given to the sink and not taken by the transport. */
  #unwritten = 0;
  #progressMs: number;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.#progressMs = options.clock.now();
  }

  /** For how long the agent has taken nothing of what is there to be taken. 0: nothing waits. */
  get stalledMs(): number {
    return this.#unwritten === 0 ? 0 : this.#options.clock.now() - this.#progressMs;
  }

  /** Messages that wait here, and those the stream holds. */
  get waiting(): number {
    const some = Number(this.#heartbeat !== undefined) + Number(this.#watchSet !== undefined);
    return some + Number(this.#stored.size > 0) + this.#queue.length + this.#pieces.length + this.#unwritten;
  }

  /** @throws SluiceError TOO_LARGE, with the sizes. Nothing was sent then. */
  send(message: HubMessage): void {
    this.#enqueue(message);
    this.#pump();
  }

  /** As `send`, but behind the pieces that wait: what it speaks of may be among them. */
  sendBehind(message: HubMessage): void {
    if (this.#isClosed) return;
    (this.#pieces.length > 0 ? this.#pieces : this.#queue).push(encodeHubMessage(message));
    this.#pump();
  }

  heartbeat(make: () => HubMessage): void {
    this.#heartbeat = make;
    this.#pump();
  }

  watchSet(make: () => HubMessage): void {
    this.#watchSet = make;
    this.#pump();
  }

  /** @throws SluiceError PROTOCOL if too many wait. */
  stored(id: string): void {
    if (this.#stored.size >= MOST_STORED) {
      throw new SluiceError('PROTOCOL', `The agent has not read ${MOST_STORED} acknowledgements, and says more.`);
    }
    this.#stored.add(id);
    this.#pump();
  }

  /** Drops what waits, and writes one last message past it. */
  close(last?: HubMessage): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#heartbeat = undefined;
    this.#watchSet = undefined;
    this.#stored.clear();
    this.#queue = [];
    this.#pieces = [];
    if (last) this.#write(encodeHubMessage(last));
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed) {
      let next: Buffer | undefined;
      try {
        next = this.#next();
      } catch (error) {
        this.#options.onFault(error);
        return;
      }
      if (!next) return;
      if (this.#write(next)) continue;
      this.#isBlocked = true;
      this.#options.sink.once('drain', () => {
        this.#isBlocked = false;
        this.#pump();
      });
    }
  }

  #next(): Buffer | undefined {
    if (this.#heartbeat) {
      const message = this.#heartbeat();
      this.#heartbeat = undefined;
      return encodeHubMessage(message);
    }
    if (this.#stored.size > 0) {
      const ids = [...this.#stored].slice(0, STORED_AT_ONCE);
      for (const id of ids) this.#stored.delete(id);
      return encodeHubMessage({ body: 'resultStored', resultStored: { ids } });
    }
    if (this.#queue.length === 0 && this.#pieces.length === 0 && this.#watchSet) {
      const message = this.#watchSet();
      this.#watchSet = undefined;
      this.#enqueue(message);
    }
    return this.#queue.shift() ?? this.#pieces.shift();
  }

  #enqueue(message: HubMessage): void {
    if (this.#isClosed) return;
    const { maxMessageBytes, maxTotalBytes } = this.#options.terms;
    const encoded = encodeHubMessage(message, Math.max(maxMessageBytes, maxTotalBytes));
    const pieceBytes = Math.max(SMALLEST_CHUNK, Math.min(LIMITS.chunkBytes, maxMessageBytes - CHUNK_OVERHEAD));
    if (maxTotalBytes === 0 || encoded.byteLength <= pieceBytes) {
      this.#queue.push(encoded);
      return;
    }
    for (const chunk of splitMessage(encoded, String(++this.#chunked), pieceBytes)) {
      this.#pieces.push(encodeHubMessage({ body: 'chunk', chunk }));
    }
  }

  #write(encoded: Buffer): boolean {
    if (this.#unwritten++ === 0) this.#progressMs = this.#options.clock.now();
    return this.#options.sink.write(encoded, () => {
      this.#unwritten--;
      this.#progressMs = this.#options.clock.now();
    });
  }
}
