/** A rollout as data: what is stored before the first write, and what one look at the cluster decides. No logic. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Change, Fields, Json, KindName, ObjectRecord } from '../../protocol/records.ts';
import type { MinReady } from '../file/resolved.ts';

/** Names one object of the target's namespace. */
export interface Ref {
  kind: KindName;
  name: string;
}

/**
 * How an object belongs to a rollout: `made` by it, `edited` and put back, `reliedOn` without a write, `caused` by others in
 * answer to what it made (a mesh's ServiceProfile).
 */
type Role = 'made' | 'edited' | 'reliedOn' | 'caused';

/** An object of the rollout. Nothing else keeps a list of objects. */
export interface Entry extends Ref {
  role: Role;
  /** As the survey found it; absent where it was not there. */
  before?: { uid: string; fields: Fields };
}

export interface Plan {
  version: 1;
  rollout: string;
  namespace: string;
  bindings: Binding[];
  /** Of the rollout itself; each binding has its own. */
  guard: GuardPlan;
  inventory: Entry[];
  stages: Stage[];
  undo: Stage[];
  settle: Stage[];
}

/** One workload, the Services that bring it traffic, and the driver that shares it out. */
export interface Binding {
  workload: WorkloadPlan;
  driver: string;
  roots: string[];
  /** The driver's own part of the plan. */
  traffic: Json;
}

export interface WorkloadPlan {
  name: string;
  uid: string;
  /** As it is applied at the commit. */
  asked: KubeObject;
  /** The canary's ReplicaSet, at any size. */
  set: KubeObject;
  setName: string;
  stableHash: string;
  canaryHash: string;
  /** The template that runs. */
  template: unknown;
  /** Digests of the template that runs and of the one that is shipped. */
  oldTemplate: string;
  newTemplate: string;
  /** By which the Deployment adopts the set. */
  adoptionLabels: Record<string, string>;
  liveReplicas: number;
  /** Of the manifest; absent: it names no size. */
  askedReplicas?: number;
  scaledByHpa: boolean;
}

interface GuardPlan {
  name: string;
  minReady: MinReady;
}

/** What the cluster must look like while it lasts, and what must have happened before the next one begins. */
export interface Stage {
  /** Unique in its list, and the path of its checkpoint. */
  name: string;
  workload: WorkloadPhase;
  traffic: Traffic;
  guard: 'none' | 'asIs' | 'armed' | 'off';
  conditions: ConditionName[];
  /** Groups one after the other; the gates of a group side by side. */
  gates: Gate[][];
  /** The point of no return: it is stored that this stage has begun before its first write. */
  isCommit?: true;
  /** Of undo and settle: passed over unless this stage of the way forward had begun. */
  onlyAfter?: string;
}

/**
 * - `found`: as the survey found it; the canary's set is gone.
 * - `held`: paused and marked. `canary`: and the set beside it, at its size.
 * - `manifest`: the new template, still paused. `alone`: and no other set has that template. `adopting`: and the set carries
 *   the labels by which the Deployment takes it. `released`: no longer paused.
 * - `settled`: let go with the template that runs, whichever it is; with any other it stays held.
 * - `emptied`: held, the set at 0. `removed`: held, the set gone.
 * - `asIs`: left alone.
 */
export type WorkloadPhase =
  | 'found'
  | 'held'
  | 'canary'
  | 'manifest'
  | 'alone'
  | 'adopting'
  | 'released'
  | 'settled'
  | 'emptied'
  | 'removed'
  | 'asIs';

export type Traffic =
  /** Nothing of the driver is there, and every Service is as its owner wrote it. */
  | { kind: 'none' }
  | {
      kind: 'some';
      /** The driver's own name for a state on the way. */
      part: string;
      /** Percent. */
      canary: number;
      /** Which version the root Services show: to clients outside the mesh, and to those that have not seen the share. */
      root: Exposure;
      /** What "stable" means: the old version, after the commit the new one, on the way to a settled end whoever serves. */
      stable: 'old' | 'new' | 'any';
      /** False: only what is there is written; nothing is made. */
      creates: boolean;
    };

/** `open`: as its owner wrote it. `asIs`: left alone. */
export type Exposure = 'open' | 'stable' | 'canary' | 'asIs';

export type ConditionName = 'notWithdrawn' | 'canaryComesUp' | 'canaryServes' | 'guardHolds';

/** `withinMs`: of watched time; past it the gate has failed. */
export type Gate = { withinMs?: number } & (
  | { gate: 'followed' }
  | { gate: 'stableReady' }
  | { gate: 'canaryReady' }
  | { gate: 'rootShows'; version: 'stable' | 'canary' }
  | { gate: 'tested' }
  | { gate: 'adopted' }
  | { gate: 'settled' }
  | { gate: 'podsGone' }
  /** `isOptional`: late is as good as passed. */
  | { gate: 'letGo'; isOptional?: true }
  /** The last requests to pods that traffic has moved away from. */
  | { gate: 'drain' }
  | { gate: 'wait'; ms: number; name: string }
  | { gate: 'approval'; name: string }
);

/** What is known of one object. Not seen live is unknown, not gone. */
export type Sight = ObjectRecord | 'absent' | 'unknown';

/** What the agent has reported, live. */
export interface World {
  see<K extends KindName>(kind: K, name: string): ObjectRecord<K> | 'absent' | 'unknown';
  all<K extends KindName>(kind: K): ObjectRecord<K>[];
  /** Whether a kind's copy is complete and followed live. */
  isLive(kind: KindName): boolean;
}

/** What stages found out; part of their checkpoints. */
export interface Learned {
  /** Uids of what the rollout made, by key. */
  uids: Record<string, string>;
  /** What really carries the shares, by binding; absent until a driver has learned it. */
  followers: Record<string, Json>;
  /** What stays as it is, in words. */
  unrestored: string[];
}

export interface Want extends Ref {
  /** `ifExists`: the fields, where the object is there. */
  state: 'present' | 'ifExists' | 'absent';
  /** Wanted only where that object is there. */
  where?: Ref;
  /** Written where they differ. */
  fields: Fields;
  /** Never written: a difference is a fault. */
  must?: Fields;
  /** How it is made where it is not there. */
  object?: KubeObject;
  /** Applied in place of a patch, and as this version alone. */
  manifest?: KubeObject;
  /** Of fields that are digests: what is written. */
  values?: Fields;
  /** It decides who gets requests: not written while nobody could answer them. */
  carriesTraffic?: true;
  /** Why it must not be written yet. */
  withheld?: string;
  /** Why it is left as it is, to be told at the end. */
  giveUp?: string;
}

export type Write = Ref &
  (
    | { do: 'create'; object: KubeObject }
    | { do: 'apply'; uid: string; resourceVersion: string; object: KubeObject; changes: Change[] }
    | { do: 'patch'; uid: string; changes: Change[] }
    | { do: 'delete'; uid: string }
  );

export interface Waiting {
  reason: string;
  /** The clock of this path runs meanwhile. */
  path?: string;
  /** Watched time until the clock alone changes the decision. */
  leftMs?: number;
}

/** Somebody else changed what the stage wants. */
export interface Drift extends Ref {
  what: string;
  by: string;
}

/** To be asked of the API server or of a person; the answer is void when what it is about has changed. */
export type Ask = { ask: 'dryRun'; workload: string; about: string } | { ask: 'approval'; path: string };

export interface Fault {
  reason: string;
  object?: Ref;
}

export interface Decision {
  writes: Write[];
  /** By key, what the stage wants of it. */
  wanted: Map<string, Fields>;
  asks: Ask[];
  waiting: Waiting[];
  drift: Drift[];
  fault?: Fault;
  /** By key, what holds at this look. */
  held: Map<string, Fields>;
  /** The stage's wants hold and its gates are passed. */
  satisfied: boolean;
  /** Gates that were passed at this look, by path. */
  passed: string[];
  learned: Learned;
}

export function keyOf({ kind, name }: Ref): string {
  return `${kind}/${name}`;
}
