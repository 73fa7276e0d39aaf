/** Watches how agents come, and tells a person what looks wrong: in the log at once, and as an alert. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { raiseAlert } from '../store/alerts.ts';
import type { NewAlert } from '../store/alerts.ts';
import type { Store } from '../store/store.ts';
import type { HubLimits } from './hub-limits.ts';
import { alternation, withRefusal, withVisit } from './suspicion.ts';
import type { Refusals, Visit } from './suspicion.ts';

export interface SentinelOptions {
  store: Store;
  clock: Clock;
  log: Log;
  limits: HubLimits;
}

/** What is kept is bounded by the accounts there are: of a credential that is nobody's, all count as one. */
export class Sentinel {
  readonly #options: SentinelOptions;
  readonly #visits = new Map<string, Visit[]>();
  readonly #refusals = new Map<string, Refusals>();
  /** By account and kind: when it was last written, and how often it was seen since. */
  readonly #written = new Map<string, { atMs: number; unwritten: number }>();
  readonly #writing = new Set<Promise<unknown>>();

  constructor(options: SentinelOptions) {
    this.#options = options;
  }

  /** A session begins. @param visit.takesOver it ends one that was alive. */
  visit(account: string, visit: Omit<Visit, 'atMs'>): void {
    const { clock, limits } = this.#options;
    const { instanceId, peer } = visit;
    const visits = withVisit(this.#visits.get(account) ?? [], { ...visit, atMs: clock.now() }, limits);
    this.#visits.set(account, visits);
    const other = alternation(visits);
    if (!other) return;
    const message = `Two agents take the account ${account} from each other: ${instanceId} at ${peer} and ${other.instanceId} at ${other.peer}. If only one was installed, the credential was copied: sluice agents add ${account} makes a new one, and the old one ends.`;
    this.#raise({
      account,
      kind: 'alternatingAgents',
      message,
      detail: {
        agents: [
          { instanceId, peer },
          { instanceId: other.instanceId, peer: other.peer },
        ],
      },
    });
  }

  /** A credential does not count. @param account whose it is, where that is known. */
  refused(account: string | undefined, reason: string, peer: string): void {
    const { clock, limits } = this.#options;
    const key = account ?? '';
    const refusals = withRefusal(this.#refusals.get(key), clock.now(), limits);
    this.#refusals.set(key, refusals);
    if (refusals.count < limits.refusals) return;
    const message = `An agent is refused again and again, last at ${peer}: ${reason}`;
    this.#raise({ account: account ?? null, kind: 'refusedAgent', message, detail: { peer, reason } });
  }

  /** A join token comes from a second agent: somebody else has it, or had it first. */
  reused(account: string, reason: string, peer: string): void {
    const message = `A join token is used twice, now at ${peer}: ${reason} If it was not you, revoke the agent: sluice agents revoke ${account}`;
    this.#raise({ account, kind: 'joinTokenReused', message, detail: { peer, reason } });
  }

  /** A credential begins more sessions than it may. */
  flooded(account: string, peer: string): void {
    const message = `The agent of ${account} begins sessions too often, last from ${peer}: it is restarted again and again, or its credential is used elsewhere too.`;
    this.#raise({ account, kind: 'sessionFlood', message, detail: { peer } });
  }

  /** Resolves when what was raised is written. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }

  #raise(alert: Omit<NewAlert, 'count'>): void {
    const { store, clock, log, limits } = this.#options;
    const key = `${alert.kind} ${alert.account ?? ''}`;
    const written = this.#written.get(key);
    const unwritten = (written?.unwritten ?? 0) + 1;
    if (written && clock.now() - written.atMs < limits.alertEveryMs) {
      written.unwritten = unwritten;
      return;
    }
    this.#written.set(key, { atMs: clock.now(), unwritten: 0 });
    const { account, kind, message: reason, detail } = alert;
    log.error({ account, kind, reason, peer: detail['peer'], agents: detail['agents'] }, 'alert');
    const writing = raiseAlert(store, { ...alert, count: unwritten }).catch((err: unknown) => {
      log.warn({ err, kind: alert.kind }, 'alert could not be stored');
    });
    this.#writing.add(writing);
    void writing.finally(() => this.#writing.delete(writing));
  }
}
