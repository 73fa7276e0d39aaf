/** What really happened in the cluster, and between which two looks it did: seen apart from agent and hub. */

import type { ControlPlane } from '../../cluster/control-plane.ts';
import { TRAFFIC_SPLIT } from '../objects.ts';

interface Split {
  metadata: { name: string };
  spec: { seen: number[] };
}

export interface Effect {
  /** How often it happened. */
  count: number;
  /** It had not happened when this look began, in milliseconds since the epoch. */
  notBeforeMs: number;
}

const LOOK_MS = 100;

/** Looks at all TrafficSplits of a namespace again and again; each holds the numbers of the operations that reached it. */
export class Effects {
  readonly #plane: ControlPlane;
  readonly #path: string;
  readonly #seen = new Map<number, Effect>();
  #lastLookMs = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(plane: ControlPlane, namespace: string) {
    this.#plane = plane;
    this.#path = `/apis/${TRAFFIC_SPLIT}/namespaces/${namespace}/trafficsplits`;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.look().then(() => this.start());
    }, LOOK_MS);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#looking;
    clearTimeout(this.#timer);
  }

  of(number: number): Effect | undefined {
    return this.#seen.get(number);
  }

  get numbers(): number[] {
    return [...this.#seen.keys()];
  }

  async look(): Promise<void> {
    const beganMs = Date.now();
    const { status, body } = await this.#plane.api.call('GET', this.#path);
    if (status !== 200) throw new Error(`GET ${this.#path}: ${status}`);
    const counts = new Map<number, number>();
    for (const { spec } of (body as { items: Split[] }).items) {
      for (const number of spec.seen) counts.set(number, (counts.get(number) ?? 0) + 1);
    }
    for (const [number, count] of counts) {
      const known = this.#seen.get(number);
      if (known) known.count = count;
      else this.#seen.set(number, { count, notBeforeMs: this.#lastLookMs });
    }
    this.#lastLookMs = beganMs;
  }
}
