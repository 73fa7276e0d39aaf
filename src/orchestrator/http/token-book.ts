/** The API's tokens as a request is checked against them: in memory, since one orchestrator alone has the database. */

import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { hashedTokens, insertToken, noteTokenUse, revokeToken, type NewToken, type TokenRow } from '../store/tokens.ts';
import type { Store } from '../store/store.ts';
import { OWN_TOKEN, type Caller } from './caller.ts';

/** How exactly `lastUsedAt` is kept. */
const USE_MS = 60_000;
/** A timer of Node counts to 24 days. */
const LONGEST_TIMER_MS = 24 * 60 * 60 * 1_000;

/** What a secret is. */
export type Recognised =
  | { kind: 'live'; caller: Caller }
  | { kind: 'unknown' }
  | { kind: 'revoked'; name: string; at: Date }
  | { kind: 'expired'; name: string; at: Date };

interface Entry {
  row: TokenRow;
  caller: Caller;
  end: AbortController;
  cancelTimer: () => void;
  usedMs: number;
}

export interface TokenBookOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** The secret of OWN_TOKEN; undefined: there is none. */
  own: string | undefined;
}

export class TokenBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byHash = new Map<string, Entry>();
  #last: Promise<unknown> = Promise.resolve();
  readonly #own: { hash: string; caller: Caller } | undefined;

  static async open(options: TokenBookOptions): Promise<TokenBook> {
    const book = new TokenBook(options);
    for (const { hash, ...row } of await hashedTokens(options.store)) book.#enter(hash, row);
    return book;
  }

  private constructor({ store, clock, log, own }: TokenBookOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#own = own === undefined ? undefined : { hash: hashOf(own), caller: ownCaller() };
  }

  recognise(secret: string): Recognised {
    const hash = hashOf(secret);
    if (hash === this.#own?.hash) return { kind: 'live', caller: this.#own.caller };
    const entry = this.#byHash.get(hash);
    if (entry === undefined) return { kind: 'unknown' };
    const { name, revokedAt, expiresAt } = entry.row;
    if (revokedAt !== null) return { kind: 'revoked', name, at: revokedAt };
    if (expiresAt !== null && expiresAt.getTime() <= this.#clock.now()) return { kind: 'expired', name, at: expiresAt };
    this.#noteUse(entry);
    return { kind: 'live', caller: entry.caller };
  }

  /** @returns the secret, this once; undefined when a token of this name is not revoked yet. */
  add(token: NewToken): Promise<{ row: TokenRow; secret: string } | undefined> {
    return this.#inTurn(async () => {
      const secret = newSecret();
      const row = await insertToken(this.#store, hashOf(secret), token);
      if (row === undefined) return undefined;
      this.#enter(hashOf(secret), row);
      return { row, secret };
    });
  }

  /** From when this returns it opens nothing, and what it had open is closed. @returns false if no token of this name counts. */
  revoke(name: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const row = await revokeToken(this.#store, name);
      if (row === undefined) return false;
      for (const entry of this.#byHash.values()) {
        if (entry.row.id !== row.id) continue;
        entry.row = row;
        entry.cancelTimer();
        entry.end.abort();
      }
      return true;
    });
  }

  close(): void {
    for (const { cancelTimer } of this.#byHash.values()) cancelTimer();
  }

  /** One after the other: a token that is revoked while it is being added would else be entered as one that counts. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #enter(hash: string, row: TokenRow): void {
    const { name, role, applications, asRoles } = row;
    const end = new AbortController();
    const caller: Caller = { name, role, applications, asRoles, ended: end.signal };
    const entry: Entry = { row, caller, end, cancelTimer: () => {}, usedMs: row.lastUsedAt?.getTime() ?? 0 };
    this.#byHash.set(hash, entry);
    if (row.revokedAt === null) this.#endInTime(entry);
    else end.abort();
  }

  #endInTime(entry: Entry): void {
    const { expiresAt } = entry.row;
    if (expiresAt === null) return;
    const leftMs = expiresAt.getTime() - this.#clock.now();
    if (leftMs <= 0) return entry.end.abort();
    entry.cancelTimer = this.#clock.after(Math.min(leftMs, LONGEST_TIMER_MS), () => this.#endInTime(entry));
  }

  #noteUse(entry: Entry): void {
    const nowMs = this.#clock.now();
    if (nowMs - entry.usedMs < USE_MS) return;
    entry.usedMs = nowMs;
    void noteTokenUse(this.#store, entry.row.id, new Date(nowMs)).catch((err: unknown) => {
      this.#log.debug({ err }, 'the use of an API token could not be noted');
    });
  }
}

/** 256 bits of chance: they need no salt and no slow hash. */
export function newSecret(): string {
  return `sluice_${randomBytes(32).toString('base64url')}`;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function ownCaller(): Caller {
  return { name: OWN_TOKEN, role: 'admin', applications: null, asRoles: [], ended: new AbortController().signal };
}
