/** What the hub asked to watch, as snapshots: starts and stops the views of namespaces, and says when a watch has news. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Snapshot, Watch } from '../../protocol/snapshot.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { assemble, kindsFor } from './assemble.ts';
import { NamespaceView } from './namespace-view.ts';
import type { Subject } from './namespace-view.ts';
import type { WatchedKind } from './served-versions.ts';
import { Throttle } from './throttle.ts';
import type { Urgency } from './urgency.ts';

export interface HealthOptions {
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  /** So many objects were read and cut down. */
  onListed?: (objects: number) => void;
  allowedNamespaces: readonly string[];
  /** A watch has something new: fetch it with `snapshot` when it can be sent. */
  onNews: (watchId: string) => void;
}

interface Watching {
  watch: Watch;
  version: number;
  throttle: Throttle;
}

/** A namespace that is watched for a reason of the agent's own, whatever the hub asks for. */
export interface Pin {
  view: Pick<NamespaceView, 'copies'>;
  release(): void;
}

export class Health {
  #options: HealthOptions;
  #watching = new Map<string, Watching>();
  #views = new Map<string, NamespaceView>();
  /** Watches whose news are told when this turn is over. */
  #news = new Set<string>();
  #pins = new Set<{ namespace: string; onFact: (kind: WatchedKind) => void }>();

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** All watches there are: what is not among them ends. Each one is news, also one that was there before. */
  set(watches: readonly Watch[]): void {
    const ids = new Set(watches.map((watch) => watch.id));
    for (const [id, watching] of this.#watching) {
      if (ids.has(id)) continue;
      watching.throttle.stop();
      this.#watching.delete(id);
    }
    for (const watch of watches) this.#put(watch);
    this.#stopUnwanted();
  }

  /**
   * Watches these kinds until it is released. Undefined where the namespace is not an allowed one.
   * @param onFact at each change of one object and of a watch's state, at once; in the middle of a new list as well, so look when the turn is over.
   */
  pin(namespace: string, kinds: readonly WatchedKind[], onFact: (kind: WatchedKind) => void): Pin | undefined {
    const view = this.#viewOf(namespace);
    if (!view) return undefined;
    const pin = { namespace, onFact };
    this.#pins.add(pin);
    view.require(kinds);
    return {
      view,
      release: () => {
        this.#pins.delete(pin);
        this.#stopUnwanted();
      },
    };
  }

  #stopUnwanted(): void {
    const wanted = new Set([...this.#watching.values()].map(({ watch }) => watch.namespace));
    for (const { namespace } of this.#pins) wanted.add(namespace);
    for (const [namespace, view] of this.#views) {
      if (wanted.has(namespace)) continue;
      view.stop();
      this.#views.delete(namespace);
      this.#options.log.info({ namespace }, 'stopped watching');
    }
  }

  /** The newest picture of a watch; undefined if it has ended. */
  snapshot(watchId: string): Snapshot | undefined {
    const watching = this.#watching.get(watchId);
    if (!watching) return undefined;
    const { watch } = watching;
    watching.version += 1;
    const atMs = this.#options.clock.now();
    const view = this.#views.get(watch.namespace);
    return view ? assemble(watch, view, watching.version, atMs) : refused(watch, watching.version, atMs);
  }

  versions(): Record<string, number> {
    return Object.fromEntries([...this.#watching].map(([id, { version }]) => [id, version]));
  }

  /** How long the picture of each kind has not followed the cluster, one entry for each namespace that is looked at. */
  staleness(): [kind: WatchedKind, staleMs: number][] {
    return [...this.#views.values()].flatMap((view) => view.staleness());
  }

  stop(): void {
    this.#pins.clear();
    this.set([]);
  }

  #put(watch: Watch): void {
    const { clock, onNews } = this.#options;
    const known = this.#watching.get(watch.id);
    if (known) known.watch = watch;
    else {
      const throttle = new Throttle(clock, () => this.#tell(watch.id));
      this.#watching.set(watch.id, { watch, version: 0, throttle });
    }
    const view = this.#viewOf(watch.namespace);
    view?.require(kindsFor(watch));
    view?.inquire(watch.deployment);
    onNews(watch.id);
  }

  /** At the end of the turn: in the middle of a new list the picture is half the old and half the new one. */
  #tell(watchId: string): void {
    if (this.#news.size === 0) {
      queueMicrotask(() => {
        const ids = [...this.#news];
        this.#news.clear();
        for (const id of ids) if (this.#watching.has(id)) this.#options.onNews(id);
      });
    }
    this.#news.add(watchId);
  }

  #viewOf(namespace: string): NamespaceView | undefined {
    const { allowedNamespaces, api, clock, log, random, onListed } = this.#options;
    const known = this.#views.get(namespace);
    if (known || !allowedNamespaces.includes(namespace)) return known;
    const view = new NamespaceView({
      namespace,
      api,
      clock,
      log,
      random,
      ...(onListed && { onListed }),
      onChange: (subject, urgency) => this.#changed(namespace, subject, urgency),
      isWatched: (deployment) =>
        [...this.#watching.values()].some(
          ({ watch }) => watch.namespace === namespace && watch.deployment === deployment,
        ),
      onFact: (kind) => {
        for (const pin of this.#pins) if (pin.namespace === namespace) pin.onFact(kind);
      },
    });
    this.#views.set(namespace, view);
    log.info({ namespace }, 'started watching');
    return view;
  }

  #changed(namespace: string, subject: Subject | undefined, urgency: Urgency): void {
    for (const { watch, throttle } of this.#watching.values()) {
      if (watch.namespace === namespace && (!subject || isAbout(watch, subject))) throttle.ring(urgency);
    }
  }
}

/** Whether a change shows in a watch's snapshot. Pure. */
function isAbout(watch: Watch, { field, name }: Subject): boolean {
  const named = watch[field];
  return typeof named === 'string' ? named === name : (named?.includes(name) ?? false);
}

function refused(watch: Watch, version: number, atMs: number): Snapshot {
  const staleReason = `The agent does not watch namespace ${watch.namespace}: it is not one of its allowed namespaces (Helm value allowedNamespaces).`;
  const nothing = { replicaSets: [], pods: [], endpoints: [], routes: [], profiles: [], jobs: [] };
  return { watchId: watch.id, version, atMs, complete: false, stale: true, staleReason, ...nothing };
}
