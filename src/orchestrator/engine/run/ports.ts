/** What a run needs of the world, each in one narrow interface: the register wires them, tests may own them. */

import type { Measurement } from '../../analysis/judge.ts';
import type { RolloutPatch } from '../../store/rollouts.ts';
import type { AgentLink } from '../../hub/agent-link.ts';
import type { Clock } from '../../../shared/clock.ts';

/** Durable execution: an act that is done is not done again after a crash; one in flight is. */
interface Durable {
  step<T>(name: string, act: () => Promise<T>): Promise<T>;
  /** Aborts when the process stops: what waits inside a step lets go, and is done again by the next process. */
  readonly stopping: AbortSignal;
}

/** What an event also says about its rollout's row. */
export type RolloutChange = Partial<RolloutPatch>;

export interface Entry {
  deploymentId: string;
  rolloutId: string;
  /** Rises within a rollout; the same number again (a replay) changes nothing. */
  seq: number;
  kind: string;
  message: string;
  detail?: Record<string, unknown>;
  rollout?: RolloutChange;
}

type ControlKind = 'approve' | 'abort';

export interface Control {
  id: number;
  kind: ControlKind;
  by: string;
  reason: string;
  /** Of an approval: the step that it was said of, since the next one may be for somebody else to approve. */
  step?: number;
}

/** Events, controls and timers in the store. */
export interface Ledger {
  record(entry: Entry): Promise<void>;
  /** Controls for the rollout or its whole deployment with a greater id, oldest first. */
  controlsAfter(rolloutId: string, deploymentId: string, afterId: number): Promise<Control[]>;
  onControl(deploymentId: string, listener: () => void): () => void;
  watchedMs(rolloutId: string, timer: number): Promise<number>;
  keepWatchedMs(rolloutId: string, timer: number, ms: number): Promise<void>;
}

export interface Metrics {
  /** Provider names that are configured. */
  readonly providers: string[];
  /** One value of one query, at one moment. Never rejects: a failure is an inconclusive measurement. */
  measure(provider: string, query: string, atMs: number): Promise<Measurement>;
}

export interface RunPorts {
  link: AgentLink;
  ledger: Ledger;
  metrics: Metrics;
  clock: Clock;
  durable: Durable;
  /** How long the last requests to pods have, once traffic has moved away from them. */
  drainMs: number;
}
