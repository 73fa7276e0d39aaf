/** Tells agents which authorities to trust, hears what they have stored, and lets the next authority sign once all of them know it. */

import type { Holds__Output } from '../../protocol/gen/sluice/agent/v1/Holds.ts';
import type { Trust } from '../../protocol/gen/sluice/agent/v1/Trust.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Authority } from '../security/authority.ts';
import { assessRotation } from '../security/rotation.ts';
import { listAgents, saveHoldings } from '../store/agents.ts';
import type { AgentRow } from '../store/agents.ts';
import type { Store } from '../store/store.ts';

/** A session whose agent keeps its credential itself. */
export interface Trusting {
  readonly facts: { account: string };
  trust(message: Trust): void;
}

export interface TrustDeskOptions {
  store: Store;
  log: Log;
  authority: Authority;
  /** What agents check the hub by: PEM; undefined: the authorities that their system trusts. */
  hubAuthority: () => string | undefined;
  /** The hub's own certificate is signed by `authority`. */
  signsHub: boolean;
  /** Those that are live. */
  sessions: () => Trusting[];
}

/** Agents that all have to renew at once do it at 50 a second; 3,000 and more within a minute. */
const RENEWAL_MS_EACH = 20;
const RENEWAL_SPREAD_MS = 60_000;
/** What an agent says that it holds is short; a longer list is made up. */
const MOST_AUTHORITIES = 8;

export class TrustDesk {
  readonly #options: TrustDeskOptions;
  readonly #stop: () => void;
  #last: Promise<void> = Promise.resolve();
  /** A look at all agents is to come: of 10,000 that speak at once it is one, not 10,000. */
  #isToAdvance = false;

  constructor(options: TrustDeskOptions) {
    this.#options = options;
    this.#stop = options.authority.onChange(() => this.#soon(() => this.#tellAll()));
  }

  /** Nothing is begun any more; resolves when what was is done. */
  async stop(): Promise<void> {
    this.#stop();
    await this.settled();
  }

  /** Resolves when what was begun is done. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** A session has begun. */
  begin(session: Trusting, row: AgentRow): void {
    session.trust(this.#message(row));
  }

  /** An agent says what it has stored. */
  heard(account: string, { authorities, serial }: Holds__Output): void {
    const isSane =
      authorities.length <= MOST_AUTHORITIES && [...authorities, serial].every((each) => each.length <= 64);
    if (!isSane) return;
    this.#soon(async () => {
      await saveHoldings(this.#options.store, account, { authorities, serial });
      this.look();
    });
  }

  /** An agent was revoked, or another way of waiting has ended. */
  look(): void {
    if (this.#isToAdvance) return;
    this.#isToAdvance = true;
    this.#soon(() => this.#advance());
  }

  async #advance(): Promise<void> {
    this.#isToAdvance = false;
    const { store, log, authority, signsHub } = this.#options;
    if (!authority.trusted.some(({ role }) => role === 'next')) return;
    const { waiting } = assessRotation(authority.trusted, await listAgents(store), signsHub);
    if (waiting.length > 0) return;
    await authority.activate();
    log.info({ authority: authority.active }, 'new certificate authority signs');
  }

  async #tellAll(): Promise<void> {
    const rows = new Map((await listAgents(this.#options.store)).map((row) => [row.account, row]));
    for (const session of this.#options.sessions()) {
      const row = rows.get(session.facts.account);
      if (row) session.trust(this.#message(row));
    }
    await this.#advance();
  }

  #message({ certificateAuthority }: AgentRow): Trust {
    const { authority, hubAuthority, sessions } = this.#options;
    const renew = certificateAuthority !== null && certificateAuthority !== authority.active;
    const spreadMs = Math.min(RENEWAL_SPREAD_MS, RENEWAL_MS_EACH * sessions().length);
    return { ca: hubAuthority() ?? '', renew, spreadMs };
  }

  /** One after the other: what is decided rests on what was written before. */
  #soon(act: () => Promise<void>): void {
    this.#last = this.#last.then(act).catch((err: unknown) => {
      this.#options.log.warn({ reason: messageOf(err) }, 'trust of agents could not be looked at');
    });
  }
}
