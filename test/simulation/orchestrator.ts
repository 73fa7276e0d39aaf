/** The shell around `reach` in the model: sends, stores, asks, and can be killed at each of these. */

import { NO_CHECKPOINTS, type Checkpoints } from '../../src/orchestrator/rollout/checkpoints.ts';
import type { Ask, Plan, Write } from '../../src/orchestrator/rollout/model.ts';
import {
  reach,
  takeUp,
  type Effect,
  type Event,
  type Outcome,
  type Reach,
} from '../../src/orchestrator/rollout/reach.ts';
import type { Failure } from '../../src/orchestrator/rollout/retry.ts';
import type { KindName, ObjectRecord } from '../../src/protocol/records.ts';
import { Refused, type Cluster } from './cluster.ts';
import { carryOut } from './orders.ts';
import { reduce } from './reduce.ts';
import { View } from './view.ts';

export interface Told {
  atMs: number;
  message: string;
}

export class Orchestrator {
  readonly view = new View();
  readonly told: Told[] = [];
  outcome: Outcome | undefined;
  /** Raised at each start: what an earlier one sent is refused, and its answers are not heard. */
  term = 0;
  /** Writes and checkpoints so far. */
  effects = 0;
  isRunning = false;
  isLinkUp = true;
  /** How often the way to the agent was lost. */
  session = 0;
  checkpoints: Checkpoints = NO_CHECKPOINTS;
  /** Called with each write as it is sent. */
  onSend: (write: Write) => void = () => undefined;
  /** Called with each write that the agent has carried out. */
  onWrite: (write: Write) => void = () => undefined;
  /** Called before each effect: the process may end just before or just after it. */
  killAt: (effect: Effect) => 'before' | 'after' | 'goesOn' = () => 'goesOn';
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  #state: Reach | undefined;
  #control: string | undefined;
  #isLooking = false;

  constructor(cluster: Cluster, plan: Plan) {
    this.#cluster = cluster;
    this.#plan = plan;
    cluster.onChange((key, object) => this.#changed(key, object === undefined ? undefined : reduce(object)));
  }

  get stage(): string {
    return this.#state?.stage ?? '';
  }

  start(): void {
    this.term += 1;
    this.isRunning = true;
    this.#state = takeUp(this.#plan, this.checkpoints, 3_000);
    if (this.#control !== undefined) this.#event({ event: 'abort', reason: this.#control });
    this.#connect();
  }

  kill(): void {
    this.isRunning = false;
    this.#state = undefined;
    this.#disconnect();
  }

  /** The link, or the agent: what is under way may or may not have been done, and its answer is lost. */
  loseLink(): void {
    this.isLinkUp = false;
    this.#disconnect();
  }

  restoreLink(): void {
    this.isLinkUp = true;
    this.#connect();
  }

  /** One kind's watch breaks, and is listed anew later. */
  blind(kind: KindName, forMs: number): void {
    this.view.blind.add(kind);
    this.#cluster.clock.after(forMs, () => {
      this.view.blind.delete(kind);
      this.#list(kind);
      this.#look();
    });
  }

  /** As controls are kept in their table: one that no process has heard is heard by the next. */
  abort(reason: string): void {
    this.#control = reason;
    this.#event({ event: 'abort', reason });
  }

  #disconnect(): void {
    this.session += 1;
    this.view.isConnected = false;
    this.view.clear();
  }

  /** The first complete batch: after everything that an earlier session sent has ended. */
  #connect(): void {
    if (!this.isRunning || !this.isLinkUp) return;
    const { clock } = this.#cluster;
    const session = ++this.session;
    clock.after(clock.between(150, 900), () => {
      if (session !== this.session || !this.isRunning || !this.isLinkUp) return;
      this.view.isConnected = true;
      this.#list();
      // What was asked for in the session before has no answer any more.
      for (const [key, { number }] of this.#state?.inFlight ?? []) {
        this.#event({
          event: 'answered',
          key,
          number,
          failure: { code: 'PRECONDITION', message: 'the session ended' },
        });
      }
      this.#look();
    });
  }

  #list(kind?: KindName): void {
    this.view.clear(kind);
    for (const object of this.#cluster.objects.values()) {
      if (kind === undefined || object.kind === kind) this.view.put(reduce(object));
    }
  }

  #changed(key: string, record: ReturnType<typeof reduce> | undefined): void {
    if (!this.view.isConnected) return;
    const { clock } = this.#cluster;
    const { session } = this;
    const [kind, name] = key.split('/') as [KindName, string];
    clock.after(3, () => {
      if (session !== this.session) return;
      if (record === undefined) this.view.remove(kind, name);
      else this.view.put(record);
      this.#look();
    });
  }

  #look(): void {
    if (this.#isLooking || !this.isRunning) return;
    this.#isLooking = true;
    this.#cluster.clock.after(0, () => {
      this.#isLooking = false;
      this.#event({ event: 'look' });
    });
  }

  #event(event: Event): void {
    if (this.#state === undefined || this.outcome !== undefined) return;
    const [state, effects] = reach(this.#state, event, this.view, this.#cluster.clock.now);
    this.#state = state;
    for (const effect of effects) {
      if (effect.effect === 'send' || effect.effect === 'store') this.effects += 1;
      const kills = this.killAt(effect);
      if (kills === 'before') return this.kill();
      this.#carryOut(effect);
      if (kills === 'after') return this.kill();
    }
  }

  #carryOut(effect: Effect): void {
    const { clock } = this.#cluster;
    const { term } = this;
    switch (effect.effect) {
      case 'send':
        return this.#send(effect.number, effect.write);
      case 'store':
        clock.after(clock.between(1, 6), () => {
          // A later owner's term fences it; a process that was killed may have been fast enough.
          if (term !== this.term) return;
          // As a database gives it back.
          this.checkpoints = JSON.parse(JSON.stringify(effect.checkpoints)) as Checkpoints;
          if (this.isRunning) this.#event({ event: 'stored', checkpoints: effect.checkpoints });
        });
        return;
      case 'say':
        this.told.push({ atMs: clock.now, message: `${effect.kind}: ${effect.message}` });
        return;
      case 'wake':
        clock.after(effect.afterMs, () => term === this.term && this.#event({ event: 'look' }));
        return;
      case 'ask':
        return this.#ask(effect.ask);
      case 'end':
        this.outcome = effect.outcome;
    }
  }

  /** There, done and answered, each after a moment; a lost session loses the answer, and the deed only before it was done. */
  #send(number: number, write: Write): void {
    const { clock } = this.#cluster;
    const { term, session } = this;
    const key = `${write.kind}/${write.name}`;
    this.onSend(write);
    clock.after(clock.between(1, 15), () => {
      // The agent has it already and does it, whoever asked for it, unless a higher term has come before: that is refused.
      if (term !== this.term || (session !== this.session && clock.random() < 0.5)) return;
      const result = this.#try(write);
      clock.after(clock.between(1, 10), () => {
        if (term === this.term && session === this.session) {
          if (result.record !== undefined) this.view.put(result.record);
          this.#event({ event: 'answered', key, number, ...result });
        }
      });
    });
  }

  #try(write: Write): { failure?: Failure; record?: ObjectRecord } {
    try {
      carryOut(this.#cluster, write);
      this.onWrite(write);
      const object = this.#cluster.get(`${write.kind}/${write.name}`);
      return object === undefined ? {} : { record: reduce(object) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { failure: { code: error.code, message: error.message } };
    }
  }

  #ask(ask: Ask): void {
    const { clock } = this.#cluster;
    const { term } = this;
    const answer = (path: string, about: string, value: string, ms: number): void =>
      clock.after(ms, () => term === this.term && this.#event({ event: 'told', path, answer: { about, value } }));
    if (ask.ask === 'approval') return answer(ask.path, '', 'somebody', clock.between(500, 5_000));
    const workload = this.#plan.bindings.find((binding) => binding.workload.name === ask.workload)?.workload;
    answer(`tested/${ask.workload}`, ask.about, workload?.newTemplate ?? '', clock.between(2, 20));
  }
}
