/** One agent's part in the election of the one that acts: stands by, takes the Lease, renews it, gives it back. */

import { pause } from '../../shared/clock.ts';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { UNHELD, isStillOurs, nextMove, observe, podOf, remainingMs } from './candidate.ts';
import type { Identity, LeaseRecord, LeaseTimes, Seen } from './candidate.ts';
import type { LeaseDoor } from './lease-door.ts';

export interface ElectionOptions {
  door: LeaseDoor;
  self: Identity;
  times: LeaseTimes;
  clock: Clock;
  log: Log;
  random: () => number;
  /** It led, and must not any more: nothing may be done from here on. Called once. */
  onLost: () => void;
  /** It turns, and will again within so many milliseconds. */
  onTurn?: (quietMs: number) => void;
  /** Milliseconds that never jump. Default: the process's. */
  monotonicMs?: () => number;
  /** Default: real time. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export type Role = 'leader' | 'standby';

export interface Standing {
  role: Role;
  /** The pod that leads, as far as this one knows; empty: nobody. */
  leader: string;
  /** Why the Lease cannot be read or written; empty: it can. */
  leaseTrouble: string;
}

interface Held {
  record: LeaseRecord;
  /** When the last renewal that was stored was sent, by both clocks. */
  sentMs: number;
  sentWallMs: number;
}

/** How long a clean end may take to give the Lease back. */
const RELEASE_MS = 3000;

export class Election {
  #options: ElectionOptions;
  #monotonicMs: () => number;
  #pause: (ms: number, signal: AbortSignal) => Promise<void>;
  #seen: Seen | undefined;
  #held: Held | undefined;
  #trouble = '';
  #toldLeader = '';
  /** Aborts when it leads no longer, of its own will or not. */
  #end = new AbortController();
  #renewing = Promise.resolve();
  #cancelDeadline: () => void = () => undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#pause = options.pause ?? pause;
  }

  /** Stands by until it is elected: true; false: `signal` aborted before. Never rejects. */
  async won(signal: AbortSignal): Promise<boolean> {
    const { door, times, onTurn } = this.#options;
    while (!signal.aborted) {
      onTurn?.(times.leaseMs * 2);
      try {
        this.#see(await this.#within(times.renewDeadlineMs, signal, (both) => door.read(both)));
        const move = nextMove(this.#known(), this.#monotonicMs());
        if (move.kind === 'wait') await this.#follow(signal);
        else if (!this.#known().record) await this.#make(signal);
        else if (await this.#take(signal)) return true;
      } catch (error) {
        if (signal.aborted) break;
        this.#tell(error);
        await this.#rest(signal);
      }
    }
    return false;
  }

  /** Right before anything is written. @throws SluiceError UNAVAILABLE where it must not be; then `onLost` has been called, or this one never led. */
  check(): void {
    if (this.#held && !this.#end.signal.aborted) {
      if (this.#remainingMs() > 0) return;
      this.#lose(`it could not be renewed for ${this.#options.times.renewDeadlineMs / 1000} s`);
    }
    throw new SluiceError('UNAVAILABLE', 'Not done: this agent does not lead. The one that holds the Lease acts.', {
      disposition: 'retry',
    });
  }

  standing(): Standing {
    const isLeader = this.#held !== undefined && !this.#end.signal.aborted;
    const leader = podOf(isLeader ? this.#options.self.id : (this.#seen?.record?.holder ?? ''));
    const leaseTrouble = this.#trouble || (this.#seen ? '' : 'the Lease has not been read yet');
    return { role: isLeader ? 'leader' : 'standby', leader, leaseTrouble };
  }

  /** All that this agent did has ended, so another may begin at once: gives the Lease back, if it holds it. Never rejects. */
  async leave(): Promise<void> {
    const { log, door } = this.#options;
    if (this.#held && !this.#end.signal.aborted) {
      this.#end.abort();
      this.#cancelDeadline();
      await this.#renewing;
      try {
        await this.#giveBack(this.#held.record);
        log.info({}, 'lease is given back');
      } catch (error) {
        log.warn({ err: error }, 'lease could not be given back: the next agent waits until it ends');
      }
    }
    door.close();
  }

  async #giveBack(held: LeaseRecord): Promise<void> {
    const { clock, door, self } = this.#options;
    const claim = { holder: '', leaseMs: 1000, nowMs: clock.now(), isTaking: false };
    await this.#within(RELEASE_MS, undefined, async (signal) => {
      let record: LeaseRecord | undefined = held;
      // A renewal that was on its way may have come before: then it is given back as that one left it.
      while (record?.holder === self.id && !(await door.write(record, claim, signal))) record = await door.read(signal);
    });
  }

  #see(record: LeaseRecord | undefined): void {
    const { self, times, log } = this.#options;
    this.#seen = observe(this.#seen, record, self, this.#monotonicMs(), times);
    const leader = podOf(record?.holder ?? '');
    if (leader !== '' && leader !== self.pod && leader !== this.#toldLeader) log.info({ leader }, 'standing by');
    this.#toldLeader = leader;
  }

  /** Of what was read before. */
  #known(): Seen {
    return this.#seen ?? { record: undefined, busyUntilMs: 0 };
  }

  /** Follows the Lease until it may be taken, or the API server ends the watch. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, door, onTurn, times } = this.#options;
    const enough = new AbortController();
    let cancel: () => void = () => undefined;
    const look = (): void => {
      onTurn?.(times.leaseMs * 2);
      cancel();
      const move = nextMove(this.#known(), this.#monotonicMs());
      if (move.kind === 'take') enough.abort();
      else cancel = clock.after(Math.ceil(move.ms), () => enough.abort());
    };
    look();
    try {
      await door.follow(AbortSignal.any([signal, enough.signal]), (record) => {
        this.#see(record);
        this.#recovered();
        look();
      });
    } catch (error) {
      if (!enough.signal.aborted) throw error;
    } finally {
      cancel();
    }
    if (!enough.signal.aborted) await this.#rest(signal);
  }

  /** Makes the Lease that is not there. It is everybody's: who leads by one that was deleted may be there still. */
  async #make(signal: AbortSignal): Promise<void> {
    const { door, times, clock, log } = this.#options;
    const claim = { holder: UNHELD, leaseMs: times.leaseMs, nowMs: clock.now(), isTaking: false };
    const made = await this.#within(times.renewDeadlineMs, signal, (both) => door.write(undefined, claim, both));
    if (made) log.info({}, 'lease is made anew');
  }

  async #take(signal: AbortSignal): Promise<boolean> {
    const { log, times } = this.#options;
    // Not torn by the signal: what was stored must be known, to be given back.
    this.#held = await this.#write(this.#known().record, true, undefined);
    if (!this.#held || signal.aborted) return false;
    if (this.#remainingMs() === 0) {
      // The answer came too late to be of use.
      this.#see(this.#held.record);
      this.#held = undefined;
      return false;
    }
    this.#recovered();
    const { transitions } = this.#held.record;
    log.info({ lease_seconds: times.leaseMs / 1000, transitions }, 'elected: this agent leads');
    this.#setDeadline();
    this.#renewing = this.#renewOn();
    return true;
  }

  /** One write of this agent's claim, and when it was sent; undefined: the Lease is another by now. @throws SluiceError */
  async #write(
    record: LeaseRecord | undefined,
    isTaking: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Held | undefined> {
    const { door, self, times, clock } = this.#options;
    const sentMs = this.#monotonicMs();
    const sentWallMs = clock.now();
    const claim = { holder: self.id, leaseMs: times.leaseMs, nowMs: sentWallMs, isTaking };
    const written = await this.#within(times.renewDeadlineMs / 2, signal, (both) => door.write(record, claim, both));
    return written && { record: written, sentMs, sentWallMs };
  }

  async #renewOn(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.#rest(signal);
      if (!signal.aborted) await this.#renew(signal).catch((error: unknown) => signal.aborted || this.#tell(error));
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { door, self, times } = this.#options;
    let { record }: { record: LeaseRecord | undefined } = this.#held!;
    for (;;) {
      const held = await this.#write(record, false, signal);
      if (held) {
        this.#held = held;
        this.#setDeadline();
        this.#recovered();
        return;
      }
      record = await this.#within(times.renewDeadlineMs / 2, signal, (both) => door.read(both));
      // Ours, by an answer that was lost or with somebody's label on it: it is renewed, which alone makes it last.
      if (!isStillOurs(record, self)) return this.#lose(`${podOf(record?.holder ?? '') || 'another'} has taken it`);
    }
  }

  #remainingMs(): number {
    const { clock, times } = this.#options;
    const { sentMs, sentWallMs } = this.#held!;
    return remainingMs({ monotonicMs: this.#monotonicMs() - sentMs, wallMs: clock.now() - sentWallMs }, times);
  }

  /** The end comes by itself, whatever the renewal is waiting for. */
  #setDeadline(): void {
    this.#cancelDeadline();
    const due = (): void => {
      if (this.#remainingMs() > 0) this.#setDeadline();
      else this.#lose(`it could not be renewed for ${this.#options.times.renewDeadlineMs / 1000} s`);
    };
    this.#cancelDeadline = this.#options.clock.after(Math.ceil(this.#remainingMs()), due);
  }

  #lose(reason: string): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#cancelDeadline();
    this.#options.log.fatal({ reason, cause: this.#trouble }, 'lease is lost: this agent ends');
    this.#options.onLost();
  }

  /** Ends the work with `signal`, or after `ms`. (Not AbortSignal.any: a leader does this every two seconds, for years.) */
  async #within<T>(ms: number, signal: AbortSignal | undefined, work: (both: AbortSignal) => Promise<T>): Promise<T> {
    const either = new AbortController();
    const onAbort = (): void => either.abort();
    const cancel = this.#options.clock.after(ms, () => either.abort(new DOMException('No answer.', 'TimeoutError')));
    if (signal?.aborted) either.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await work(either.signal);
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Jitter, so that two do not go in step. */
  #rest(signal: AbortSignal): Promise<void> {
    const { times, random } = this.#options;
    return this.#pause(times.retryMs * (0.8 + random() * 0.4), signal);
  }

  #tell(error: unknown): void {
    if (this.#trouble === '') this.#options.log.warn({ err: error }, 'lease cannot be read or written');
    this.#trouble = messageOf(error);
  }

  #recovered(): void {
    if (this.#trouble !== '') this.#options.log.info({}, 'lease can be read and written again');
    this.#trouble = '';
  }
}
