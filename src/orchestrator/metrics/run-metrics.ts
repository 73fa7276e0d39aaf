/** Counts what runs do by the changes that the store tells of: nothing on a run's own way. */

import { Counter, Histogram } from '../../shared/metrics.ts';
import type { Family } from '../../shared/metrics.ts';
import type { DeploymentRow } from '../store/deployments.ts';
import type { EventRow } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import { ORCHESTRATOR_METRICS } from './catalogue.ts';

export class RunMetrics {
  readonly #ended = new Counter(ORCHESTRATOR_METRICS.deploymentsEnded);
  readonly #deploymentSeconds = new Histogram(ORCHESTRATOR_METRICS.deploymentSeconds);
  readonly #weights = new Counter(ORCHESTRATOR_METRICS.weights);
  readonly #drift = new Counter(ORCHESTRATOR_METRICS.drift);
  readonly #verdicts = new Counter(ORCHESTRATOR_METRICS.verdicts);
  readonly #measurements = new Counter(ORCHESTRATOR_METRICS.measurements);
  readonly #stepSeconds = new Histogram(ORCHESTRATOR_METRICS.stepSeconds);
  /** The part that each rollout is in, by its id. */
  readonly #parts = new Map<string, { step: string; at: Date }>();

  follow(store: Pick<Store, 'changes'>): void {
    store.changes.on('deployment', (row) => this.#deployment(row));
    store.changes.on('event', (row) => this.#event(row));
  }

  read(): Family[] {
    return [
      this.#ended,
      this.#deploymentSeconds,
      this.#weights,
      this.#drift,
      this.#verdicts,
      this.#measurements,
      this.#stepSeconds,
    ].map((each) => each.read());
  }

  #deployment({ state, startedAt, endedAt }: DeploymentRow): void {
    if (endedAt === null) return;
    this.#ended.add({ outcome: state });
    if (startedAt !== null)
      this.#deploymentSeconds.observe({ outcome: state }, (endedAt.getTime() - startedAt.getTime()) / 1000);
  }

  #event(row: EventRow): void {
    const { step, verdict } = (row.detail ?? {}) as { step?: unknown; verdict?: unknown };
    switch (row.kind) {
      case 'rollout.weight':
        return this.#weights.add({});
      case 'drift':
        return this.#drift.add({});
      case 'analysis.verdict':
        return this.#verdicts.add({ verdict: String(verdict) });
      case 'analysis.measurement':
        return this.#measurements.add({ verdict: String(verdict) });
      case 'rollout.started':
        return this.#enter(row, 'preparation');
      case 'rollback.started':
        return this.#enter(row, 'rollback');
      case 'rollout.phase':
        return typeof step === 'string' ? this.#enter(row, step) : undefined;
      case 'ended':
        return this.#enter(row, undefined);
    }
  }

  /** @param step undefined: the rollout is over. */
  #enter({ rolloutId, at }: EventRow, step: string | undefined): void {
    if (rolloutId === null) return;
    const before = this.#parts.get(rolloutId);
    if (before)
      this.#stepSeconds.observe({ step: before.step }, Math.max(0, at.getTime() - before.at.getTime()) / 1000);
    if (step === undefined) this.#parts.delete(rolloutId);
    else this.#parts.set(rolloutId, { step, at });
  }
}
