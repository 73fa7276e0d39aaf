/** Everything an agent writes on one stream, in the right order and never faster than the other side reads. */

import type { Log } from '../../shared/log.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { OperationResult } from '../../protocol/operation.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AgentMessage } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
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
  /** The newest picture of a watch, made at the moment it can be sent: nothing older is ever queued. */
  snapshot: (watchId: string) => Snapshot | undefined;
}

/**
 * Heartbeats go first, then statuses and the like in order, then the newest snapshot of each watch that has news.
 * `write` returning false is obeyed: ignoring it buffers without limit when the hub stalls.
 */
export class Outlet {
  maxMessageBytes: number = LIMITS.maxMessageBytes;
  #options: OutletOptions;
  #first: Buffer[] = [];
  #queue: Buffer[] = [];
  #news = new Set<string>();
  #isBlocked = false;
  #isClosed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  send(message: AgentMessage): void {
    this.#queue.push(encodeAgentMessage(message, this.maxMessageBytes));
    this.#pump();
  }

  sendFirst(message: AgentMessage): void {
    this.#first.push(encodeAgentMessage(message, this.maxMessageBytes));
    this.#pump();
  }

  sendStatus(status: OperationProgress | OperationResult, epoch: number): void {
    this.#queue.push(this.#encodeStatus(status, epoch));
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
    this.#first = [];
    this.#queue = [];
    this.#news.clear();
  }

  get queued(): number {
    return this.#first.length + this.#queue.length + this.#news.size;
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed) {
      const next = this.#first.shift() ?? this.#queue.shift() ?? this.#nextSnapshot();
      if (next === undefined) return;
      if (this.#options.sink.write(next)) continue;
      this.#isBlocked = true;
      this.#options.sink.once('drain', () => {
        this.#isBlocked = false;
        this.#pump();
      });
    }
  }

  #nextSnapshot(): Buffer | undefined {
    for (const watchId of this.#news) {
      this.#news.delete(watchId);
      const snapshot = this.#options.snapshot(watchId);
      if (snapshot) return this.#encodeSnapshot(snapshot);
    }
    return undefined;
  }

  /** A result that is too large to carry ends the operation as failed: silence would be waited for in vain. */
  #encodeStatus(status: OperationProgress | OperationResult, epoch: number): Buffer {
    try {
      return encodeAgentMessage({ body: 'status', status: encodeStatus(status, epoch) }, this.maxMessageBytes);
    } catch (error) {
      if (!(error instanceof SluiceError) || !isResult(status)) throw error;
      this.#options.log.warn({ op_id: status.id, err: error }, 'result is too large to send');
      const { value: _value, ...rest } = status;
      const failed: OperationResult = { ...rest, state: 'failed', code: 'TOO_LARGE', message: error.message };
      return encodeAgentMessage({ body: 'status', status: encodeStatus(failed, epoch) }, this.maxMessageBytes);
    }
  }

  /** Thousands of pods do not fit: those that are well are left out then, and the picture says that it is not whole. */
  #encodeSnapshot(snapshot: Snapshot): Buffer {
    try {
      return encodeAgentMessage({ body: 'snapshot', snapshot: encodeSnapshot(snapshot) }, this.maxMessageBytes);
    } catch (error) {
      this.#options.log.warn(
        { watch_id: snapshot.watchId, pods: snapshot.pods.length, err: error },
        'snapshot is too large to send',
      );
      const pods = snapshot.pods.filter((pod) => pod.failing).slice(0, 100);
      const staleReason = `${snapshot.pods.length} pods do not fit into one message; only ${pods.length} failing ones are told.`;
      const cut = { ...snapshot, pods, stale: true, staleReason };
      return encodeAgentMessage({ body: 'snapshot', snapshot: encodeSnapshot(cut) }, this.maxMessageBytes);
    }
  }
}
