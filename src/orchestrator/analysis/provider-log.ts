/** Says when a metric provider stops answering, and when it answers again: once for each change, not for each measurement. */

import type { Log } from '../../shared/log.ts';
import type { Silence } from './prometheus.ts';

export class ProviderLog {
  readonly #log: Log;
  /** By provider: why it does not answer. Bounded by what is configured. */
  readonly #silent = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param silence undefined: it answered. */
  heard(provider: string, silence: Silence | undefined): void {
    const before = this.#silent.get(provider);
    if (silence === undefined) {
      if (!this.#silent.delete(provider)) return;
      this.#log.info({ provider }, 'metric provider answers again');
      return;
    }
    const { host, code, reason } = silence;
    const fields = { provider, host, code, reason, hint: hintFor(code) };
    this.#silent.set(provider, code);
    if (before === code) this.#log.debug(fields, 'metric provider does not answer');
    else this.#log.warn(fields, 'metric provider does not answer');
  }
}

function hintFor(code: string): string {
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'Correct its name in SLUICE_METRIC_PROVIDERS, or look at the DNS.';
  if (code === 'HTTP') {
    return 'Something before it answers: look at its address in SLUICE_METRIC_PROVIDERS (with the path that it is served under), and at user and password.';
  }
  if (/CERT|SSL|SIGNED|UNABLE_TO_/.test(code))
    return 'Its certificate is not trusted here: give its CA in NODE_EXTRA_CA_CERTS.';
  return 'Look whether it runs, and whether a firewall or NetworkPolicy lets the orchestrator through. Meanwhile analyses are inconclusive, and nothing is promoted on them.';
}
