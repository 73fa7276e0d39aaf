/** Everything an agent writes on one stream, in the right order and never faster than the other side reads. */

import type { Log } from '../../shared/log.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { OperationResult } from '../../protocol/operation.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AgentMessage } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { Chunk } from '../../protocol/gen/sluice/agent/v1/Chunk.ts';
import { splitMessage } from '../../protocol/chunk.ts';
import { encodeSnapshot } from '../../protocol/snapshot-codec.ts';
import { encodeStatus, isResult } from '../../protocol/status-codec.ts';
import type { OperationProgress } from '../../protocol/status-codec.ts';
import { LIMITS, encodeAgentMessage } from '../../protocol/service.ts';

interface Sink {
  write(encoded: Buffer): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

export interface OutletOptions {
  sink: Sink;
  log: Log;
  /** Milliseconds, of a clock that is not set back within a session. */
  now: () => number;
  /** The newest picture of a watch, made at the moment it can be sent: nothing older is ever queued. */
  snapshot: (watchId: string) => Snapshot | undefined;
}

/** Encodes at its turn: what waits is held once, in the journal, not once more as bytes. */
type Waiting = () => Buffer;

/**
 * The heartbeat goes first, then statuses and the like in order, then the newest snapshot of each watch that has news. A large
 * message goes in chunks, one at a time, and every second turn is for the others.
 * `write` returning false is obeyed: ignoring it buffers without limit when the hub stalls.
 */
export class Outlet {
  /** The largest message in one piece. */
  maxMessageBytes: number = LIMITS.maxMessageBytes;
  /** The largest in chunks; 0: the hub takes none. */
  maxTotalBytes = 0;
  #options: OutletOptions;
  #beat: Buffer | undefined;
  #queue: Waiting[] = [];
  #news = new Set<string>();
  /** What is left of the large message that is under way. */
  #pieces: Chunk[] = [];
  /** A second large one, which waits for the first. */
  #large: Buffer | undefined;
  #wasPiece = false;
  #chunked = 0;
  #blockedAtMs: number | undefined;
  #isClosed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  send(message: AgentMessage): void {
    const encoded = encodeAgentMessage(message, this.maxMessageBytes);
    this.#queue.push(() => encoded);
    this.#pump();
  }

  /** Overtakes all else; one that could not be written yet is replaced. */
  beat(message: AgentMessage): void {
    this.#beat = encodeAgentMessage(message, this.maxMessageBytes);
    this.#pump();
  }

  sendStatus(status: OperationProgress | OperationResult, epoch: number): void {
    this.#queue.push(() => this.#encodeStatus(status, epoch));
    this.#pump();
  }

  /** A watch has news. */
  announce(watchId: string): void {
    this.#news.add(watchId);
    this.#pump();
  }

  /** What is still queued belongs to a stream that is gone: results come again in the next session, snapshots are made anew. */
  close(): void {
    this.#isClosed = true;
    this.#beat = undefined;
    this.#queue = [];
    this.#news.clear();
    this.#pieces = [];
    this.#large = undefined;
  }

  get queued(): number {
    return this.#queue.length + this.#news.size + this.#pieces.length;
  }

  /** How long the other side has read nothing while something waits for it. */
  get stalledMs(): number {
    return this.#blockedAtMs === undefined ? 0 : this.#options.now() - this.#blockedAtMs;
  }

  #pump(): void {
    while (this.#blockedAtMs === undefined && !this.#isClosed) {
      const next = this.#next();
      if (next === undefined) return;
      if (this.#options.sink.write(next)) continue;
      this.#blockedAtMs = this.#options.now();
      this.#options.sink.once('drain', () => {
        this.#blockedAtMs = undefined;
        this.#pump();
      });
    }
  }

  #next(): Buffer | undefined {
    const beat = this.#beat;
    this.#beat = undefined;
    if (beat) return beat;
    if (this.#pieces.length > 0 && !this.#wasPiece) return this.#nextPiece();
    this.#wasPiece = false;
    // Behind a second large message the others wait: it was their turn to begin with.
    const whole = this.#large ?? this.#queue.shift()?.() ?? this.#nextSnapshot();
    if (whole === undefined) return this.#pieces.length > 0 ? this.#nextPiece() : undefined;
    if (this.maxTotalBytes === 0 || whole.byteLength <= LIMITS.chunkBytes) return whole;
    if (this.#pieces.length > 0) {
      this.#large = whole;
    } else {
      this.#large = undefined;
      this.#pieces = splitMessage(whole, String((this.#chunked += 1)));
    }
    return this.#nextPiece();
  }

  #nextPiece(): Buffer | undefined {
    this.#wasPiece = true;
    const chunk = this.#pieces.shift();
    return chunk && encodeAgentMessage({ body: 'chunk', chunk }, this.maxMessageBytes);
  }

  #nextSnapshot(): Buffer | undefined {
    for (const watchId of this.#news) {
      this.#news.delete(watchId);
      const snapshot = this.#options.snapshot(watchId);
      if (snapshot) return this.#encodeSnapshot(snapshot);
    }
    return undefined;
  }

  /** Whole, whatever its way is then. */
  #encode(message: AgentMessage): Buffer {
    return encodeAgentMessage(message, this.maxTotalBytes || this.maxMessageBytes);
  }

  /** A result that is too large to carry ends the operation as failed: silence would be waited for in vain. */
  #encodeStatus(status: OperationProgress | OperationResult, epoch: number): Buffer {
    try {
      return this.#encode({ body: 'status', status: encodeStatus(status, epoch) });
    } catch (error) {
      if (!(error instanceof SluiceError) || !isResult(status)) throw error;
      this.#options.log.warn({ operation: status.id, err: error }, 'result is too large to send');
      const { value: _value, ...rest } = status;
      const failed: OperationResult = { ...rest, state: 'failed', code: 'TOO_LARGE', message: error.message };
      return this.#encode({ body: 'status', status: encodeStatus(failed, epoch) });
    }
  }

  /** Tens of thousands of pods do not fit: those that are well are left out then, and the picture says that it is not whole. */
  #encodeSnapshot(snapshot: Snapshot): Buffer {
    try {
      return this.#encode({ body: 'snapshot', snapshot: encodeSnapshot(snapshot) });
    } catch (error) {
      this.#options.log.warn(
        { watch: snapshot.watchId, pods: snapshot.pods.length, err: error },
        'snapshot is too large to send',
      );
      const pods = snapshot.pods.filter((pod) => pod.failing).slice(0, 100);
      const staleReason = `${snapshot.pods.length} pods do not fit into one message; only ${pods.length} failing ones are told.`;
      const cut = { ...snapshot, pods, stale: true, staleReason };
      return this.#encode({ body: 'snapshot', snapshot: encodeSnapshot(cut) });
    }
  }
}
