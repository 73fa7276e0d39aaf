/** From `kill -9` of the orchestrator, which is started anew at once, to the next weight stored: process start, adoption of its database, the agent's return, recovery. */

import { canaryPercent } from '../examples/demo/observe.ts';
import { setWeight, writeApplication } from '../test/support/application.ts';
import { deploy, endOf } from '../test/support/rollout-watch.ts';
import { appImageName } from '../test/support/shared-cluster.ts';
import { startWorld } from '../test/support/world.ts';
import { rowOf, type Row } from './measure.ts';

const namespace = 'bench';
const path = `/apis/split.smi-spec.io/v1alpha2/namespaces/${namespace}/trafficsplits`;
const runs = 8;
const killAt = 30;

export async function resume(): Promise<Row[]> {
  await using world = await startWorld({ namespaces: [namespace], adaptorQps: 1000 });
  const { orchestrator, agent, account } = await world.startLane('bench', [namespace]);
  const application = { name: 'hello', account, namespace, image: appImageName, replicas: 1 };
  const first = await writeApplication(orchestrator.folder, { ...application, version: 'v0' });
  await endOf(orchestrator, await deploy(orchestrator, first));

  const samples: number[] = [];
  const steps = Array.from({ length: 99 }, (_, index) => setWeight(index + 1));
  for (let run = 1; run <= runs; run++) {
    // An agent that loses several sessions, each within 10 s of Welcome, backs off after half a minute: one loss is what is measured.
    await agent.restart();
    const weights = new WeightClock();
    const stop = await world.kube.watch(path, ({ type, object }) => {
      if (type !== 'DELETED') weights.show(canaryPercent(object));
    });
    const file = await writeApplication(orchestrator.folder, { ...application, version: `v${run}`, steps });
    const id = await deploy(orchestrator, file);
    await weights.reach(killAt);
    const killedAt = performance.now();
    await orchestrator.kill9();
    // What the agent was told already it still does: that is no sign of life of the one that is gone.
    const next = weights.nextAfter(performance.now() + 50);
    await orchestrator.restart();
    samples.push((await next) - killedAt);
    const { state } = await endOf(orchestrator, id);
    stop();
    if (state !== 'succeeded') throw new Error(`The run ended as ${state}.`);
  }
  return [rowOf('resume', 'kill -9 of the orchestrator to its next weight stored', samples, 1000)];
}

/** When each weight was stored, and waiting for one. */
class WeightClock {
  #last = 0;
  readonly #waiting = new Set<(weight: number, atMs: number) => boolean>();

  show(weight: number): void {
    const atMs = performance.now();
    if (weight === this.#last) return;
    this.#last = weight;
    for (const isMet of this.#waiting) if (isMet(weight, atMs)) this.#waiting.delete(isMet);
  }

  async reach(wanted: number): Promise<void> {
    if (this.#last >= wanted) return;
    await this.#when((weight) => weight >= wanted);
  }

  nextAfter(ms: number): Promise<number> {
    return this.#when((_weight, atMs) => atMs > ms);
  }

  #when(isMet: (weight: number, atMs: number) => boolean): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.add((weight, atMs) => {
        if (!isMet(weight, atMs)) return false;
        resolve(atMs);
        return true;
      });
    });
  }
}
