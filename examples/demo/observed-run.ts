/** One deployment under load, watched from beside Sluice while the CLI shows it. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../../test/cluster/progress.ts';
import type { Orchestrator } from '../../test/support/harness.ts';
import { deploy, deploymentOf } from '../../test/support/rollout-watch.ts';
import { leftBehind, podsOf, restartsSince, watchWeights, type PodSeen } from './observe.ts';
import type { Observation } from './report.ts';
import { namespace, type Stage } from './stage.ts';

const app = 'hello';
export const clientUrl = `http://${app}.${namespace}/`;
/** Requests a second of each client. */
export const rate = 100;
/** How long after the end answers of the version that is to be gone are still looked for. */
const settleMs = 3000;

export interface RunNames {
  file: string;
  stable: string;
  canary: string;
}

/** Deploys a file, shows the CLI's own live view of it, and returns all that was seen meanwhile. */
export async function observedRun(
  { kube, load }: Stage,
  orchestrator: Orchestrator,
  { file, stable, canary }: RunNames,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<Observation> {
  const count = (): ReturnType<typeof load.counts> => load.counts();
  const before = await count();
  const stablePods = await podsOf(kube, namespace, app);
  let canaryPods: Promise<PodSeen[]> = Promise.resolve([]);
  const later = new LateClients(load, canary);
  const watch = await watchWeights(kube, namespace, count, (weight) => {
    later.onWeight(weight);
    if (weight === 100) canaryPods = podsOf(kube, namespace, app);
  });
  const id = await deploy(orchestrator, file);
  await orchestrator.sluice(['watch', id], { inherit: true });
  const { state: outcome } = await deploymentOf(orchestrator, id);
  const ended = await count();
  const gone = outcome === 'succeeded' ? stable : canary;
  await progress.during(`checking that ${gone} no longer answers`, settleMs / 1000, () =>
    delay(settleMs, undefined, { signal }),
  );
  const after = await count();
  await watch.stop();
  await later.started();
  const keep = outcome === 'succeeded' ? (await canaryPods).filter(({ version }) => version === canary) : stablePods;
  const from = Math.floor(Date.parse(before.at) / 1000);
  const series = await Promise.all(
    Object.keys(after.clients).map(async (name) => [name, await load.series(name, from)] as const),
  );
  return {
    stable,
    canary,
    outcome,
    before,
    ended,
    after,
    weights: watch.weights,
    series: Object.fromEntries(series),
    // No pod seen is no proof that none restarted.
    podsRestarted: keep.length === 0 ? NaN : restartsSince(keep, await podsOf(kube, namespace, app)),
    leftBehind: await leftBehind(kube, namespace),
  };
}

/** Clients that come in the middle of a run: those that were there before keep their proxy's mode, and their connections. */
class LateClients {
  readonly #load: Stage['load'];
  readonly #canary: string;
  readonly #starts = new Map<string, Promise<void>>();

  constructor(load: Stage['load'], canary: string) {
    this.#load = load;
    this.#canary = canary;
  }

  onWeight(weight: number): void {
    // In the mesh, its proxy first used when the split is there already; its choices are not those of `busy`.
    this.#start('fresh', { mode: 'meshed', seed: 2 });
    // Outside, its connections made when the canary is ready: kube-proxy must lead none of them there.
    if (weight > 0) this.#start('visitor', { mode: 'unmeshed' });
  }

  /** @throws if one could not be started. */
  async started(): Promise<void> {
    await Promise.all(this.#starts.values());
  }

  #start(kind: string, client: { mode: 'meshed' | 'unmeshed'; seed?: number }): void {
    if (this.#starts.has(kind)) return;
    const name = `${kind}-${this.#canary}`;
    this.#starts.set(kind, this.#load.startClient({ name, url: clientUrl, rate, ...client }));
  }
}
