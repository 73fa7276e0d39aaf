/** What a snapshot says about a run: ready, broken, edited by somebody else, grown. Pure; the run acts on the answer. */

import type { PodRecord, Snapshot, SplitRecord } from '../../protocol/snapshot.ts';
import { firedGuard, guardNews } from './guard.ts';
import type { Shares } from './weights.ts';
import { holds, type RouteNames } from './route.ts';

/** What the run believes to be true while it waits. */
export interface Expectation {
  stableHash: string;
  canaryHash: string;
  canarySetName: string;
  /** How many canary pods there must be. */
  canaryReplicas: number;
  /** The Deployment's size when the run last looked. */
  deploymentReplicas: number;
  names?: RouteNames;
  shares?: Shares;
  /** Canary pods carry traffic: from now on one that crashes is a fault at once. */
  isServing: boolean;
  /** The agent's guard is armed, with this floor. */
  guardFloor?: number;
  /** What was last said of it. */
  guardNews?: string;
}

export type Interruption =
  | { kind: 'fault'; reason: string }
  | { kind: 'drift'; what: string }
  | { kind: 'resized'; replicas: number }
  | { kind: 'guard'; news: string };

/** Reasons that only a new version or a person can mend, so nobody waits for the time-out. */
const HOPELESS = new Set(['ErrImageNeverPull', 'ImagePullBackOff', 'InvalidImageName', 'RunContainerError']);
/** Before it has traffic, a canary may restart this often: many wait for a dependency by crashing. */
const RESTARTS_BEFORE_TRAFFIC = 3;

export function podsOf(snapshot: Snapshot, hash: string): PodRecord[] {
  return snapshot.pods.filter((pod) => pod.hash === hash && !pod.deleting);
}

/** Why the pods of a revision will not come up, in words; undefined while there is hope. */
export function brokenPods(pods: PodRecord[], isServing: boolean): string | undefined {
  const broken = pods.find(
    (pod) =>
      HOPELESS.has(pod.reason) ||
      (pod.failing && isServing) ||
      (pod.reason === 'CrashLoopBackOff' && pod.restarts >= RESTARTS_BEFORE_TRAFFIC),
  );
  return broken === undefined ? undefined : describePod(broken);
}

export function describePod(pod: PodRecord): string {
  const restarts = pod.restarts > 0 ? ` after ${pod.restarts} restart${pod.restarts === 1 ? '' : 's'}` : '';
  const message = pod.message === '' ? '' : `: ${pod.message}`;
  return `pod ${pod.name} is ${pod.reason === '' ? 'not ready' : pod.reason}${restarts}${message}`;
}

/** The first thing in a snapshot that the run must act on before it goes on waiting. */
export function interruption(snapshot: Snapshot, expected: Expectation): Interruption | undefined {
  return (
    fault(snapshot, expected) ??
    drift(snapshot, expected) ??
    resized(snapshot, expected) ??
    guardSaid(snapshot, expected)
  );
}

function fault(snapshot: Snapshot, expected: Expectation): Interruption | undefined {
  // First: what it did looks like an edited split, and what it saw may have passed.
  const fired = expected.guardFloor === undefined ? undefined : firedGuard(snapshot);
  if (fired !== undefined) return { kind: 'fault', reason: fired };
  const set = snapshot.replicaSets.find(({ name }) => name === expected.canarySetName);
  if (set !== undefined && set.failure !== '') {
    return { kind: 'fault', reason: `ReplicaSet ${set.name} cannot make its pods: ${set.failure}` };
  }
  const broken = brokenPods(podsOf(snapshot, expected.canaryHash), expected.isServing);
  if (broken !== undefined) return { kind: 'fault', reason: `canary ${broken}` };
  if (!expected.isServing) return undefined;
  if (set === undefined) return { kind: 'fault', reason: `canary ReplicaSet ${expected.canarySetName} is gone` };
  const ready = endpointsOf(snapshot, expected.names?.canary ?? '').length;
  if (ready === 0) return { kind: 'fault', reason: 'no canary pod is ready any more' };
  return undefined;
}

function guardSaid(snapshot: Snapshot, { guardFloor, guardNews: said }: Expectation): Interruption | undefined {
  const news = guardFloor === undefined ? undefined : guardNews(snapshot);
  return news === undefined || news === said ? undefined : { kind: 'guard', news };
}

function drift(snapshot: Snapshot, { names, shares, guardFloor }: Expectation): Interruption | undefined {
  if (names === undefined || shares === undefined) return undefined;
  if (snapshot.split === undefined) return { kind: 'drift', what: `TrafficSplit ${names.split} was deleted` };
  if (!holds(names, shares, snapshot.split.weights)) {
    return { kind: 'drift', what: `TrafficSplit ${names.split} was edited to ${showWeights(snapshot.split.weights)}` };
  }
  if (guardFloor !== undefined && isUnguarded(snapshot.split)) {
    return { kind: 'drift', what: `the guard was taken off TrafficSplit ${names.split}` };
  }
  for (const { name } of names.companions) {
    const route = snapshot.routes.find((record) => record.name === name);
    if (route === undefined) return { kind: 'drift', what: `HTTPRoute ${name} was deleted` };
    if (!holds(names, shares, route.weights)) {
      return { kind: 'drift', what: `HTTPRoute ${name} was edited to ${showWeights(route.weights)}` };
    }
  }
  return undefined;
}

function isUnguarded({ guard }: SplitRecord): boolean {
  return guard === undefined || guard.state === 'unreadable';
}

function showWeights(weights: { backend: string; weight: number }[]): string {
  return weights.length === 0 ? 'no backends' : weights.map(({ backend, weight }) => `${backend}=${weight}`).join(', ');
}

function resized(snapshot: Snapshot, expected: Expectation): Interruption | undefined {
  const desired = snapshot.deployment?.desired;
  return desired === undefined || desired === expected.deploymentReplicas
    ? undefined
    : { kind: 'resized', replicas: desired };
}

/** Ready endpoints of a Service, as pod uids. */
export function endpointsOf(snapshot: Snapshot, service: string): string[] {
  return snapshot.endpoints.find((record) => record.service === service)?.ready ?? [];
}

/** All wanted canary pods are ready and the canary's Service sends to just them. */
export function isCanaryReady(snapshot: Snapshot, expected: Expectation): boolean {
  const set = snapshot.replicaSets.find(({ name }) => name === expected.canarySetName);
  if (set === undefined || set.available < expected.canaryReplicas || expected.canaryReplicas === 0) return false;
  const service = expected.names?.canary;
  // A Service that was there before the canary may still show the pods that it picked then.
  return service === undefined || sendsOnlyTo(snapshot, service, expected.canaryHash, expected.canaryReplicas);
}

/** A Service sends to pods of this revision only, and to at least `count` of them. */
export function sendsOnlyTo(snapshot: Snapshot, service: string, hash: string, count: number): boolean {
  const own = new Set(snapshot.pods.filter((pod) => pod.hash === hash).map((pod) => pod.uid));
  const ready = endpointsOf(snapshot, service);
  return ready.length >= count && ready.every((uid) => own.has(uid));
}

export interface ReadBack {
  profile: boolean;
  routes: boolean;
}

/** What of the mesh says these shares now: the ServiceProfile that linkerd-smi writes, the routes' accepted status. */
export function readBack(snapshot: Snapshot, names: RouteNames, shares: Shares): ReadBack {
  const profile = snapshot.profiles.find(({ name }) => name === names.profile);
  const routes = names.companions.map(({ name }) => snapshot.routes.find((record) => record.name === name));
  return {
    profile: profile !== undefined && holds(names, shares, profile.weights),
    routes:
      routes.length > 0 &&
      routes.every(
        (route) =>
          route !== undefined &&
          route.accepted &&
          route.resolved &&
          // Linkerd left the generation out of its conditions until 2026-08 (linkerd2#14964): 0 is then all there is.
          (route.observedGeneration === 0 || route.observedGeneration >= route.generation) &&
          holds(names, shares, route.weights),
      ),
  };
}
