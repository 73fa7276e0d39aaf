/** What the agent sees of one namespace: a reduced, live copy of each kind a rollout looks at. */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import type { DeploymentRecord, JobRecord, ProfileRecord, RouteRecord, SplitRecord } from '../../protocol/snapshot.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { ListWatch } from '../kubernetes/list-watch.ts';
import { SERVED_VERSIONS, pathFinder } from './served-versions.ts';
import type { WatchedKind } from './served-versions.ts';
import { isTurnForWorse } from './turn-for-worse.ts';
import { PodIndex } from './pod-index.ts';
import { reducePod } from './reduce-pod.ts';
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

const REDUCERS: { [K in WatchedKind]: (object: KubeObject) => Records[K] } = {
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
  onChange: (subject: Subject | undefined, isWorse: boolean) => void;
  /** Each change of one object, and of a kind's state, before anything is gathered: the guard does not wait. */
  onFact: (kind: WatchedKind) => void;
}

export class NamespaceView {
  readonly namespace: string;
  readonly copies: Copies = {};
  readonly pods = new PodIndex();
  #options: NamespaceViewOptions;
  #stop = new AbortController();

  constructor(options: NamespaceViewOptions) {
    this.#options = options;
    this.namespace = options.namespace;
  }

  /** Starts what is not watched yet, and looks again for what the cluster did not have. */
  require(kinds: Iterable<WatchedKind>): void {
    for (const kind of kinds) {
      const copy = this.copies[kind];
      if (copy) copy.revisit();
      else this.#start(kind);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  #start(kind: WatchedKind): void {
    const { api, clock, log, random, namespace, onChange, onFact } = this.#options;
    const copy = new ListWatch<Records[WatchedKind]>({
      api,
      clock,
      log,
      random,
      what: `${SERVED_VERSIONS[kind].plural} in ${namespace}`,
      path: pathFinder(api, kind, namespace),
      reduce: REDUCERS[kind],
      onChange: (key, previous, next) => {
        const subjects = this.#subjectsOf(kind, key, previous, next);
        onFact(kind);
        if (subjects.length > 0) {
          const isWorse = isTurnForWorse(kind, previous, next);
          for (const subject of subjects) onChange(subject, isWorse);
        }
      },
      onState: (state) => {
        onFact(kind);
        onChange(undefined, state === 'broken');
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
        return this.#deployments([deployment]);
      }
      case 'replicaSets': {
        const entries = [previous, next] as (ReplicaSetEntry | undefined)[];
        this.pods.setOwner(entries[0], entries[1]);
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

  #deployments(names: (string | undefined)[]): Subject[] {
    return unique(names).map((name) => ({ field: 'deployment', name }));
  }
}

function unique(names: (string | undefined)[]): string[] {
  return [...new Set(names)].filter((name) => name !== undefined && name !== '') as string[];
}
