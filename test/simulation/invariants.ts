/** What no run may do, whatever happens to it: looked at after every event. */

import type { Plan, Write } from '../../src/orchestrator/rollout/model.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { isHarm, type Action } from './actions.ts';
import { type Body, matches, type Cluster } from './cluster.ts';
import { memoDigest } from './digest.ts';
import { clientsOf, type Mesh } from './mesh.ts';
import { endpointsOf } from './node-controllers.ts';
import { FOREIGN, type Release } from './shop.ts';
import { isReady } from './workload-controllers.ts';
import type { Orchestrator } from './orchestrator.ts';

export interface Violation {
  invariant: string;
  atMs: number;
  detail: string;
}

interface Setting {
  cluster: Cluster;
  plan: Plan;
  orchestrator: Orchestrator;
  mesh: Mesh;
  actions: Action[];
  release: Release;
}

/** How long requests may be lost after harm: as long as a third put-back waits, a pod needs to come up, and the mesh to follow. */
const GRACE_MS = 30_000;

/** Actions without harm that change what a stage wants. */
const EDITS = new Set(['deleteGuard', 'fireGuard', 'fireGuardInFlight', 'withdraw', 'resize']);

export class Invariants {
  readonly violations: Violation[] = [];
  readonly #setting: Setting;
  readonly #isHarmed: boolean;
  #seen = -1;
  /** Since when a breach has lasted, by what it is. */
  #since = new Map<string, number>();
  #broken = new Set<string>();
  #isCanaryAllowed = false;
  #isRootMoved = false;
  #isHotfixed = false;
  #guardState: string | undefined;
  /** When each object was written. */
  #writes = new Map<string, number[]>();
  #changes = 0;
  #graceMs = GRACE_MS;

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#isHarmed = setting.actions.some(isHarm);
    setting.cluster.onChange((key, object, manager) => {
      this.#changes += 1;
      this.#template(key, object, manager);
      this.#guard(key, object);
    });
    setting.orchestrator.onWrite = (write) => this.#wrote(write);
  }

  check(): void {
    if (this.#changes === this.#seen) return;
    this.#seen = this.#changes;
    this.#traffic();
    this.#wayBack();
  }

  /** What the run says is so, and nothing of it is left. */
  atEnd(): void {
    const { outcome } = this.#setting.orchestrator;
    if (outcome === undefined) {
      const { stage, told } = this.#setting.orchestrator;
      this.#graceMs = 0;
      this.#traffic();
      // What can never be written, on a way that cannot be left, waits for a person, who must have heard of it.
      if (told.some(({ message }) => message.startsWith('stalled:'))) return;
      return this.#violate('the run ends', `it is still at ${stage}: ${told.map(({ message }) => message).join('; ')}`);
    }
    this.#graceMs = 5_000;
    this.#traffic();
    this.#sentences();
    this.#atRest(outcome.state, outcome.unrestored);
  }

  #wrote(write: Write): void {
    this.#countWrites(write);
    this.#lastReady(write);
    const changes = 'changes' in write ? write.changes : [];
    for (const { field, to } of changes) {
      const weights = field === 'weights' ? (to as Record<string, number>) : {};
      const share = weights['web-canary'] ?? weights['0/web-canary'] ?? 0;
      if (share > 0) this.#isCanaryAllowed = true;
      const selector = field === 'selector' ? (to as Record<string, string>) : {};
      if (write.kind !== 'Service' || write.name !== 'web' || field !== 'selector') continue;
      if (selector['pod-template-hash'] === this.#canaryHash) this.#isRootMoved = true;
      // By pods alone, an open root is a share, of every kind of client.
      if (this.#setting.release.driver === 'pods' && selector['pod-template-hash'] !== this.#stableHash) {
        this.#isCanaryAllowed = true;
        this.#isRootMoved = true;
      }
    }
  }

  /** Pods that serve are not taken away while no others are ready: an outage is worse than the wrong version. */
  #lastReady(write: Write): void {
    const { cluster, plan } = this.#setting;
    const isEnd =
      write.do === 'delete' ||
      ('changes' in write && write.changes.some(({ field, to }) => field === 'replicas' && to === 0));
    if (write.kind !== 'ReplicaSet' || !isEnd || write.name !== plan.bindings[0]?.workload.setName) return;
    const ready = cluster.ofKind('Pod').filter((pod) => isReady(pod) && matches({ app: 'web' }, pod.metadata.labels));
    const isOwn = (pod: KubeObject): boolean => pod.metadata.labels?.['pod-template-hash'] === this.#canaryHash;
    this.#instant(
      'the last ready pods stay',
      ready.length > 0 && ready.every(isOwn),
      `at ${write.do} of ${write.name}`,
    );
  }

  /** Against a tool that wants something else, four put-backs a minute; what a stage writes itself comes on top. */
  #countWrites({ kind, name }: Write): void {
    const { now } = this.#setting.cluster.clock;
    const recent = (this.#writes.get(name) ?? []).filter((at) => now - at < 5_000);
    this.#writes.set(name, [...recent, now]);
    this.#instant('it does not fight', recent.length > 15, `${kind} ${name} was written ${recent.length} times in 5 s`);
  }

  get #stableHash(): string {
    return this.#setting.plan.bindings[0]?.workload.stableHash ?? '';
  }

  get #canaryHash(): string {
    return this.#setting.plan.bindings[0]?.workload.canaryHash ?? '';
  }

  /** What somebody else wrote over the template before the commit is neither rolled out by us nor overwritten. */
  #template(key: string, object: KubeObject | undefined, manager: string): void {
    const { plan, orchestrator } = this.#setting;
    const { workload } = plan.bindings[0] ?? {};
    if (workload === undefined || object === undefined || key !== `Deployment/${workload.name}`) return;
    const { paused, template } = (object as Body<{ spec: { paused?: boolean; template: object } }>).spec;
    const digest = memoDigest(template);
    const isForeign = digest !== workload.newTemplate && digest !== workload.oldTemplate;
    if (isForeign && manager === 'kubectl-edit' && orchestrator.checkpoints.commit !== true) this.#isHotfixed = true;
    // Somebody else has taken it back.
    if (!isForeign && manager !== 'sluice') this.#isHotfixed = false;
    if (isForeign && manager === 'sluice' && paused !== true)
      this.#violate('nothing untested is rolled out', 'unpaused with a foreign template');
    if (this.#isHotfixed && manager === 'sluice' && digest === workload.newTemplate) {
      this.#violate('a foreign template is not overwritten', 'the manifest was applied over it');
    }
  }

  /** What the guard did is not taken back by a write that had not seen it. */
  #guard(key: string, object: KubeObject | undefined): void {
    if (key !== `ConfigMap/${this.#setting.plan.guard.name}`) return;
    const state = object === undefined ? undefined : (object as Body<{ data: { state: string } }>).data.state;
    if (this.#guardState === 'fired' && state === 'off')
      this.#violate('the guard has the last word', 'it had fired, and was taken off');
    this.#guardState = state;
  }

  #traffic(): void {
    const { cluster, mesh } = this.#setting;
    const clients = clientsOf(cluster, 'web', mesh.profileOf('web'), ['web-sluice']);
    const hashes = new Map(
      cluster.ofKind('Pod').map((pod) => [pod.metadata.uid, pod.metadata.labels?.['pod-template-hash']]),
    );
    this.#broken.clear();
    const isAnyReady = endpointsOf(cluster, 'web').length > 0 || this.#isAnyPodReady();
    for (const [client, shares] of Object.entries(clients)) {
      for (const { backend, weight } of shares) {
        // Without the root its owner has taken the application off the network.
        if (weight <= 0 || (backend === 'web' && cluster.get('Service/web') === undefined)) continue;
        const endpoints = endpointsOf(cluster, backend);
        // The old version's own failure: whoever may see it alone is not shown the new one.
        const isStarved = backend === 'web' && this.#setting.actions.some(({ kind }) => kind === 'starveStable');
        this.#lasting(
          `a ${client} client finds an endpoint`,
          endpoints.length === 0 && isAnyReady && !isStarved,
          `Service ${backend} at weight ${weight} has none`,
        );
        const meets = endpoints.some((uid) => hashes.get(uid) === this.#canaryHash);
        const isEarly = client === 'unmeshed' ? !this.#isRootMoved && !this.#isReleased() : !this.#isCanaryAllowed;
        this.#lasting(
          `a ${client} client meets no canary before its share`,
          meets && isEarly && !isStarved,
          `by Service ${backend}`,
        );
      }
    }
    for (const key of this.#since.keys()) if (!this.#broken.has(key)) this.#since.delete(key);
  }

  #isAnyPodReady(): boolean {
    return this.#setting.cluster
      .ofKind('Pod')
      .some((pod) => isReady(pod) && matches({ app: 'web' }, pod.metadata.labels));
  }

  #isReleased(): boolean {
    return this.#setting.orchestrator.checkpoints.commit === true;
  }

  /** Until the commit the old version stands by at the Deployment's size. */
  #wayBack(): void {
    const { cluster, plan, orchestrator } = this.#setting;
    if (orchestrator.checkpoints.commit === true || this.#isHarmed) return;
    const { stableHash } = plan.bindings[0]?.workload ?? { stableHash: '' };
    const stable = cluster
      .ofKind('ReplicaSet')
      .find((set) => set.metadata.labels?.['pod-template-hash'] === stableHash);
    const ready = cluster.ofKind('Pod').filter((pod) => pod.metadata.labels?.['pod-template-hash'] === stableHash);
    this.#instant(
      'the way back is open before the commit',
      stable === undefined || ready.length === 0,
      `at ${orchestrator.stage}`,
    );
  }

  /** Nobody but us wrote, and we said that somebody did. */
  #sentences(): void {
    const { orchestrator, actions } = this.#setting;
    const isAlone = actions.every((action) => !EDITS.has(action.kind) && !isHarm(action));
    const drift = orchestrator.told.find(({ message }) => message.startsWith('drift:'));
    if (isAlone && drift !== undefined) this.#violate('every sentence is true', drift.message);
  }

  #atRest(state: string, unrestored: string[]): void {
    const { cluster, plan } = this.#setting;
    const { workload } = plan.bindings[0] ?? {};
    if (workload === undefined) return;
    const mayRemain = (key: string): boolean => unrestored.some((text) => text.includes(key.replace('/', ' ')));
    if (this.#setting.release.hasForeign) {
      const other = cluster.get(`Service/${FOREIGN.name}`);
      const isUntouched = other?.metadata.labels?.['sluice.dev/rollout'] === FOREIGN.rollout;
      const wasDeleted = this.#setting.actions.some(({ kind }) => kind === 'deleteCanaryService');
      if (!isUntouched && !wasDeleted)
        this.#violate("another rollout's objects are left alone", `Service ${FOREIGN.name}`);
    }
    for (const [key, object] of cluster.objects) {
      if (object.metadata.labels?.['sluice.dev/rollout'] === FOREIGN.rollout) continue;
      const marks = marksOf(object);
      if (marks.length > 0 && !mayRemain(key))
        this.#violate('nothing is left behind', `${key} carries ${marks.join(', ')} after ${state}`);
    }
    if (state === 'failed') return;
    const deployment = cluster.get(`Deployment/${workload.name}`);
    if (deployment === undefined || mayRemain(`Deployment/${workload.name}`)) return;
    const { spec } = deployment as Body<{ spec: { paused?: boolean; template: object } }>;
    const wanted = state === 'succeeded' ? workload.newTemplate : workload.oldTemplate;
    const template = memoDigest(spec.template);
    const isForeign = template !== workload.newTemplate && template !== workload.oldTemplate;
    if (template !== wanted && !isForeign)
      this.#violate('what it says is so', `${state}, but the Deployment has the other template`);
    // Whoever pauses it after us has the last word.
    if (spec.paused === true && deployment.metadata['manager'] === 'sluice')
      this.#violate('what it says is so', `${state}, but the Deployment is paused`);
  }

  /** In a run without harm at once, in others once it has lasted. */
  #lasting(invariant: string, isBroken: boolean, detail: string): void {
    if (!this.#isHarmed) return this.#instant(invariant, isBroken, detail);
    if (!isBroken) return;
    const key = `${invariant} ${detail}`;
    this.#broken.add(key);
    const { now } = this.#setting.cluster.clock;
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    if (now - since > this.#graceMs && this.#isWatched()) this.#violate(invariant, `${detail}, for ${now - since} ms`);
  }

  #isWatched(): boolean {
    const { orchestrator, mesh } = this.#setting;
    // What can never be written has been told, and waits for a person.
    if (orchestrator.told.some(({ message }) => message.startsWith('stalled:'))) return false;
    return orchestrator.isRunning && orchestrator.view.isConnected && !mesh.isAdaptorStopped && !mesh.isPolicyStopped;
  }

  #instant(invariant: string, isBroken: boolean, detail: string): void {
    if (isBroken) this.#violate(invariant, detail);
  }

  #violate(invariant: string, detail: string): void {
    if (this.violations.some((known) => known.invariant === invariant)) return;
    this.violations.push({
      invariant,
      atMs: this.#setting.cluster.clock.now,
      detail: `${detail} (stage ${this.#setting.orchestrator.stage})`,
    });
  }
}

function marksOf({ metadata: { labels = {}, annotations = {} } }: KubeObject): string[] {
  return [...Object.keys(labels), ...Object.keys(annotations)].filter((key) => key.startsWith('sluice.dev/'));
}
