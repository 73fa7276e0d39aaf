/** What the agent sees of one namespace: a reduced, live copy of each kind a rollout looks at. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import type { DeploymentRecord, JobRecord, ProfileRecord, RouteRecord, SplitRecord } from '../../protocol/snapshot.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { ListWatch } from '../kubernetes/list-watch.ts';
import { SERVED_VERSIONS, pathFinder } from './served-versions.ts';
import type { WatchedKind } from './served-versions.ts';
import { urgencyOf } from './urgency.ts';
import type { Urgency } from './urgency.ts';
import { PodIndex } from './pod-index.ts';
import { Inquiry } from './inquiry.ts';
import type { Answer } from './question.ts';
import { reducePod, withAnswer } from './reduce-pod.ts';
import type { PodEntry } from './reduce-pod.ts';
import { reduceDeployment, reduceJob, reduceReplicaSet } from './reduce-workload.ts';
import type { ReplicaSetEntry } from './reduce-workload.ts';
import { reduceProfile, reduceRoute, reduceSlice, reduceSplit } from './reduce-traffic.ts';
import type { SliceEntry } from './reduce-traffic.ts';

/** The record that is kept of each kind. */
export interface Records {
  pods: PodEntry;
  replicaSets: ReplicaSetEntry;
  deployments: DeploymentRecord;
  services: true;
  slices: SliceEntry;
  jobs: JobRecord;
  splits: SplitRecord;
  routes: RouteRecord;
  profiles: ProfileRecord;
}

type Copies = { [K in WatchedKind]?: ListWatch<Records[K]> };

const REDUCERS: { [K in WatchedKind]: (object: KubeObject, previous: Records[K] | undefined) => Records[K] } = {
  pods: reducePod,
  replicaSets: reduceReplicaSet,
  deployments: reduceDeployment,
  services: () => true,
  slices: reduceSlice,
  jobs: reduceJob,
  splits: reduceSplit,
  routes: reduceRoute,
  profiles: reduceProfile,
};

/** What a change is about, in the words of a `Watch`; undefined for all watches of the namespace. */
export interface Subject {
  field: 'deployment' | 'services' | 'split' | 'routes' | 'profiles' | 'jobs';
  name: string;
}

export interface NamespaceViewOptions {
  namespace: string;
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  onListed?: (objects: number) => void;
  onChange: (subject: Subject | undefined, urgency: Urgency) => void;
  /** Whether somebody looks at the pods of a Deployment: what is wrong with others is not asked. */
  isWatched: (deployment: string) => boolean;
  /** Each change of one object, and of a kind's state, before anything is gathered: the guard does not wait. */
  onFact: (kind: WatchedKind) => void;
}

export class NamespaceView {
  readonly namespace: string;
  readonly copies: Copies = {};
  readonly pods = new PodIndex();
  #options: NamespaceViewOptions;
  #inquiry: Inquiry;
  #stop = new AbortController();

  constructor(options: NamespaceViewOptions) {
    const { namespace, api, clock, log } = options;
    this.#options = options;
    this.namespace = namespace;
    this.#inquiry = new Inquiry({
      namespace,
      api,
      clock,
      log,
      signal: this.#stop.signal,
      entryOf: (pod) => this.copies.pods?.entries.get(pod),
      onAnswer: (pod, uid, answer) => this.#answered(pod, uid, answer),
    });
  }

  /** Starts what is not watched yet, and looks again for what the cluster did not have. */
  require(kinds: Iterable<WatchedKind>): void {
    for (const kind of kinds) {
      const copy = this.copies[kind];
      if (copy) copy.revisit();
      else this.#start(kind);
    }
  }

  /** Asks what the pods of a Deployment leave open, which somebody looks at now. */
  inquire(deployment: string): void {
    for (const entry of this.pods.podsOf(deployment)) this.#inquiry.follow(entry.record.name, entry);
  }

  staleness(): [kind: WatchedKind, staleMs: number][] {
    return (Object.keys(this.copies) as WatchedKind[]).map((kind) => [kind, this.copies[kind]?.staleMs ?? 0]);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** A pod's record says more than before, of the same trouble. */
  #answered(pod: string, uid: string, answer: Answer): void {
    const entries = this.copies.pods?.entries;
    const entry = entries?.get(pod);
    if (!entries || entry?.record.uid !== uid || entry.question?.key !== answer.key) return;
    const next = withAnswer(entry, answer);
    entries.set(pod, next);
    this.pods.set(pod, entry, next);
    const deployment = this.pods.deploymentOf(next.ownerUid);
    if (deployment !== undefined) this.#options.onChange({ field: 'deployment', name: deployment }, 'none');
  }

  #start(kind: WatchedKind): void {
    const { api, clock, log, random, namespace, onChange, onFact, onListed } = this.#options;
    const copy = new ListWatch<Records[WatchedKind]>({
      api,
      clock,
      log,
      random,
      ...(onListed && { onListed }),
      what: `${SERVED_VERSIONS[kind].plural} in ${namespace}`,
      path: pathFinder(api, kind, namespace),
      // One reducer for each kind, so the two fit each other.
      reduce: REDUCERS[kind] as (
        object: KubeObject,
        previous: Records[WatchedKind] | undefined,
      ) => Records[WatchedKind],
      onChange: (key, previous, next) => {
        const subjects = this.#subjectsOf(kind, key, previous, next);
        onFact(kind);
        if (subjects.length > 0) {
          const urgency = urgencyOf(kind, previous, next, () => this.#siblings(previous, next));
          for (const subject of subjects) onChange(subject, urgency);
        }
      },
      onState: (state) => {
        onFact(kind);
        // Blind, or seeing again: either is what a run must know, or waits for.
        onChange(undefined, state === 'broken' || state === 'forbidden' || state === 'live' ? 'pods' : 'none');
      },
    });
    (this.copies as Record<WatchedKind, unknown>)[kind] = copy;
    void copy.run(this.#stop.signal);
  }

  /** Whose picture a change touches. Two when a ReplicaSet or a slice changes hands. */
  #subjectsOf(kind: WatchedKind, key: string, previous: unknown, next: unknown): Subject[] {
    switch (kind) {
      case 'pods': {
        // Asked before the change: with the last pod of a ReplicaSet that is gone, the way to its Deployment goes too.
        const deployment = this.pods.deploymentOf(((next ?? previous) as PodEntry).ownerUid);
        this.pods.set(key, previous as PodEntry | undefined, next as PodEntry | undefined);
        this.#inquiry.follow(key, this.#isWatched(deployment) ? (next as PodEntry | undefined) : undefined);
        return this.#deployments([deployment]);
      }
      case 'replicaSets': {
        const entries = [previous, next] as (ReplicaSetEntry | undefined)[];
        this.pods.setOwner(entries[0], entries[1]);
        // Its pods may have come before it.
        if (!entries[0] && this.#isWatched(entries[1]?.deployment)) this.inquire(entries[1]!.deployment);
        return this.#deployments(entries.map((entry) => entry?.deployment));
      }
      case 'deployments':
        return [{ field: 'deployment', name: key }];
      case 'services':
        return [{ field: 'services', name: key }];
      case 'slices': {
        const names = ([previous, next] as (SliceEntry | undefined)[]).map((entry) => entry?.service ?? '');
        return unique(names).map((name) => ({ field: 'services', name }));
      }
      case 'jobs':
      case 'routes':
      case 'profiles':
        return [{ field: kind, name: key }];
      case 'splits':
        return [{ field: 'split', name: key }];
    }
  }

  #isWatched(deployment: string | undefined): boolean {
    return deployment !== undefined && this.#options.isWatched(deployment);
  }

  #siblings(previous: unknown, next: unknown): PodEntry[] {
    return this.pods.podsOfOwner(((next ?? previous) as PodEntry).ownerUid);
  }

  #deployments(names: (string | undefined)[]): Subject[] {
    return unique(names).map((name) => ({ field: 'deployment', name }));
  }
}

function unique(names: (string | undefined)[]): string[] {
  return [...new Set(names)].filter((name) => name !== undefined && name !== '') as string[];
}
