/** One run of a rollout in the model, from its seed: what happened to it, and what it should not have done. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { Checkpoints } from '../../src/orchestrator/rollout/checkpoints.ts';
import type { Plan } from '../../src/orchestrator/rollout/model.ts';
import type { Outcome } from '../../src/orchestrator/rollout/reach.ts';
import { chance, SimulatedClock } from './clock.ts';
import { Cluster } from './cluster.ts';
import { Controllers } from './controllers.ts';
import { Invariants, type Violation } from './invariants.ts';
import { Mesh } from './mesh.ts';
import { Orchestrator, type Told } from './orchestrator.ts';
import { actOut, plague, type Action } from './actions.ts';
import { killOnce, type Kill } from './scene.ts';
import { addForeign, anyRelease, NAMESPACE, openShop, planShop, settleShop, type Release } from './shop.ts';

/** Until the pods of the shop are up. */
const OPEN_MS = 15_000;
/** No rollout takes longer, whatever happened to it. */
const END_MS = 30 * 60_000;

export interface Run {
  seed: number;
  release: Release;
  actions: Action[];
  outcome: Outcome | undefined;
  violations: Violation[];
  told: Told[];
  steps: number;
  /** Writes and checkpoints of the orchestrator. */
  effects: number;
  plan: Plan;
  checkpoints: Checkpoints;
  endMs: number;
  /** As they are at the end. */
  objects: KubeObject[];
}

export interface Options {
  /** What happens to the run; absent: drawn by the seed. */
  actions?: Action[];
  /** Changes the release that the seed draws. */
  release?: Partial<Release>;
  kill?: Kill;
}

export function simulate(seed: number, options: Options = {}): Run {
  const random = chance(seed);
  const release = { ...anyRelease(random), ...options.release };
  const clock = new SimulatedClock(chance(seed + 1));
  const cluster = new Cluster(clock);
  const mesh = new Mesh(cluster, NAMESPACE);
  const controllers = new Controllers(cluster, mesh);
  openShop(cluster, release);
  runUntil(clock, OPEN_MS / 2);
  settleShop(cluster, release);
  runUntil(clock, OPEN_MS);
  const plan = planShop(cluster, release, `dep-${seed}:prod`);
  if (release.isBroken) controllers.kubelet.brokenHash = plan.bindings[0]?.workload.canaryHash ?? '';
  if (release.hasForeign) addForeign(cluster);
  const orchestrator = new Orchestrator(cluster, plan);
  const actions = options.actions ?? plague(random);
  const invariants = new Invariants({ cluster, plan, orchestrator, mesh, actions, release });
  for (const action of actions) {
    const scene = { cluster, controllers, mesh, orchestrator, plan, clock };
    clock.after(action.afterMs, () => orchestrator.outcome === undefined && actOut(action, scene));
  }
  if (options.kill !== undefined) killOnce(orchestrator, clock, options.kill);
  orchestrator.start();
  while (orchestrator.outcome === undefined && clock.now < END_MS && clock.step()) invariants.check();
  runUntil(clock, clock.now + 10_000);
  invariants.atEnd();
  const { outcome, told } = orchestrator;
  return {
    seed,
    release,
    actions,
    outcome,
    violations: invariants.violations,
    told,
    steps: clock.steps,
    effects: orchestrator.effects,
    plan,
    checkpoints: orchestrator.checkpoints,
    endMs: clock.now,
    objects: [...cluster.objects.values()],
  };
}

function runUntil(clock: SimulatedClock, ms: number): void {
  // Something is always due until then: its end.
  clock.after(Math.max(0, ms - clock.now), () => undefined);
  while (clock.now < ms && clock.step());
}
