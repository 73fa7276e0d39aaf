import { describe, expect, it } from 'vitest';
import type { PodRecord, ReplicaSetRecord, Snapshot } from '../../../src/protocol/snapshot.ts';
import {
  interruption,
  isCanaryReady,
  podsOf,
  readBack,
  sendsOnlyTo,
  type Expectation,
} from '../../../src/orchestrator/plan/assess.ts';
import { sharesOf } from '../../../src/orchestrator/plan/weights.ts';
import { routeNames } from '../../support/route-names.ts';

const names = { ...routeNames, profile: 'web.shop.svc.cluster.local' };

function pod(name: string, hash: string, more: Partial<PodRecord> = {}): PodRecord {
  return {
    name,
    uid: name,
    hash,
    phase: 'Running',
    ready: true,
    deleting: false,
    restarts: 0,
    reason: '',
    message: '',
    failing: false,
    ...more,
  };
}

function set(name: string, hash: string, more: Partial<ReplicaSetRecord> = {}): ReplicaSetRecord {
  return {
    name,
    uid: name,
    hash,
    ownerUid: '',
    revision: '',
    desired: 2,
    replicas: 2,
    ready: 2,
    available: 2,
    createdAt: '',
    failure: '',
    ...more,
  };
}

const weights = [
  { backend: 'web-stable', weight: 9_000 },
  { backend: 'web-canary', weight: 1_000 },
];

const good: Snapshot = {
  watchId: 'w',
  version: 1,
  atMs: 0,
  complete: true,
  stale: false,
  staleReason: '',
  deployment: {
    uid: 'd1',
    resourceVersion: '1',
    generation: 1,
    observedGeneration: 1,
    paused: true,
    desired: 2,
    replicas: 2,
    updated: 2,
    ready: 2,
    available: 2,
    problems: [],
  },
  replicaSets: [set('web-old', 'old'), set('web-new', 'new')],
  pods: [pod('a', 'old'), pod('b', 'old'), pod('c', 'new'), pod('d', 'new')],
  endpoints: [
    { service: 'web-stable', exists: true, ready: ['a', 'b'], notReady: [] },
    { service: 'web-canary', exists: true, ready: ['c', 'd'], notReady: [] },
  ],
  split: { name: 'web', uid: 's', resourceVersion: '1', service: 'web', weights },
  routes: [
    {
      name: 'web-sluice',
      uid: 'r',
      resourceVersion: '1',
      generation: 2,
      weights,
      accepted: true,
      resolved: true,
      observedGeneration: 2,
      reason: '',
    },
  ],
  profiles: [{ name: 'web.shop.svc.cluster.local', resourceVersion: '1', weights }],
  jobs: [],
};

const expected: Expectation = {
  stableHash: 'old',
  canaryHash: 'new',
  canarySetName: 'web-new',
  canaryReplicas: 2,
  deploymentReplicas: 2,
  names,
  shares: sharesOf(10),
  isServing: true,
};

describe('interruption', () => {
  it('leaves a healthy canary alone', () => {
    expect(interruption(good, expected)).toBeUndefined();
  });

  it('is a fault at the first crash once the canary has traffic', () => {
    const snapshot = {
      ...good,
      pods: [
        ...good.pods.slice(0, 3),
        pod('d', 'new', { failing: true, reason: 'Error', restarts: 1, message: 'exit code 1' }),
      ],
    };
    expect(interruption(snapshot, expected)).toEqual({
      kind: 'fault',
      reason: 'canary pod d is Error after 1 restart: exit code 1',
    });
    expect(interruption(snapshot, { ...expected, isServing: false })).toBeUndefined();
  });

  describe('with the agent on guard', () => {
    const guarded = { ...expected, guardFloor: 1 };
    const withGuard = (state: 'armed' | 'holding' | 'fired' | 'unreadable', reason: string): Snapshot => ({
      ...good,
      split: { ...good.split!, guard: { state, reason } },
    });

    it('leaves a healthy canary alone', () => {
      expect(interruption(withGuard('armed', ''), guarded)).toBeUndefined();
    });

    it('is a fault when it has fired, before the weights that it wrote seem edited', () => {
      const fired = withGuard('fired', 'canary pod c is Error');
      const none = [
        { backend: 'web-stable', weight: 10_000 },
        { backend: 'web-canary', weight: 0 },
      ];
      const snapshot = { ...fired, split: { ...fired.split!, weights: none } };
      const reason = "the agent's guard sent all traffic to the stable: canary pod c is Error";
      expect(interruption(snapshot, guarded)).toEqual({ kind: 'fault', reason });
      // Of an earlier run, or on the way back.
      expect(interruption(fired, expected)).toBeUndefined();
    });

    it('tells once that it holds, and that it held while nobody was there', () => {
      const holds = withGuard('holding', 'no word for 10 min; the weights stay as they are');
      const news = "the agent's guard holds: no word for 10 min; the weights stay as they are";
      expect(interruption(holds, guarded)).toEqual({ kind: 'guard', news });
      expect(interruption(holds, { ...guarded, guardNews: news })).toBeUndefined();
      expect(interruption(withGuard('armed', 'no word'), guarded)).toMatchObject({
        news: expect.stringContaining('no word'),
      });
    });

    it('is drift when somebody takes it off, or spoils it', () => {
      const drift = { kind: 'drift', what: 'the guard was taken off TrafficSplit web' };
      expect(interruption(good, guarded)).toEqual(drift);
      expect(interruption(withGuard('unreadable', 'no JSON'), guarded)).toEqual(drift);
      expect(interruption(good, expected)).toBeUndefined();
    });
  });

  it('does not blame the canary for a crash of the old version', () => {
    const snapshot = {
      ...good,
      pods: [pod('a', 'old', { failing: true, reason: 'CrashLoopBackOff', restarts: 9 }), ...good.pods.slice(1)],
    };
    expect(interruption(snapshot, expected)).toBeUndefined();
  });

  it('gives up on an image that never comes, and on three crashes, before there is traffic', () => {
    const before = { ...expected, isServing: false };
    const pull = {
      ...good,
      pods: [pod('c', 'new', { ready: false, failing: true, reason: 'ImagePullBackOff', message: 'no such image' })],
    };
    expect(interruption(pull, before)).toEqual({
      kind: 'fault',
      reason: 'canary pod c is ImagePullBackOff: no such image',
    });
    const loop = (restarts: number): Snapshot => ({
      ...good,
      pods: [pod('c', 'new', { failing: true, reason: 'CrashLoopBackOff', restarts })],
    });
    expect(interruption(loop(2), before)).toBeUndefined();
    expect(interruption(loop(3), before)?.kind).toBe('fault');
  });

  it('finds a split that somebody edited or deleted, and a route too', () => {
    const edited = weights.map(({ backend }) => ({ backend, weight: 5_000 }));
    const split = { name: 'web', uid: 's', resourceVersion: '2', service: 'web', weights: edited };
    expect(interruption({ ...good, split }, expected)).toEqual({
      kind: 'drift',
      what: 'TrafficSplit web was edited to web-stable=5000, web-canary=5000',
    });
    const { split: _split, ...without } = good;
    expect(interruption(without, expected)).toEqual({ kind: 'drift', what: 'TrafficSplit web was deleted' });
    expect(interruption({ ...good, routes: [] }, expected)).toEqual({
      kind: 'drift',
      what: 'HTTPRoute web-sluice was deleted',
    });
  });

  it('follows the Deployment when it is scaled', () => {
    const snapshot = { ...good, deployment: { ...good.deployment!, desired: 5 } };
    expect(interruption(snapshot, expected)).toEqual({ kind: 'resized', replicas: 5 });
  });

  it('puts a fault before an edited split: traffic leaves a broken canary first', () => {
    const snapshot = { ...good, routes: [], pods: [pod('c', 'new', { failing: true, reason: 'OOMKilled' })] };
    expect(interruption(snapshot, expected)?.kind).toBe('fault');
  });
});

describe('readiness and read-back', () => {
  it('need every canary pod available and in the canary Service', () => {
    expect(isCanaryReady(good, expected)).toBe(true);
    expect(isCanaryReady({ ...good, replicaSets: [set('web-new', 'new', { available: 1 })] }, expected)).toBe(false);
    expect(isCanaryReady({ ...good, endpoints: [] }, expected)).toBe(false);
    const stale = good.endpoints.map((record) => ({ ...record, ready: podsOf(good, 'old').map(({ uid }) => uid) }));
    expect(stale[0]?.ready).toHaveLength(2);
    expect(isCanaryReady({ ...good, endpoints: stale }, expected)).toBe(false);
  });

  it('know a Service that still sends to another revision', () => {
    expect(sendsOnlyTo(good, 'web-canary', 'new', 2)).toBe(true);
    expect(sendsOnlyTo(good, 'web-canary', 'new', 3)).toBe(false);
    expect(sendsOnlyTo(good, 'web-stable', 'new', 1)).toBe(false);
  });

  it('compare numbers of profile and route, and the generation the route was accepted at', () => {
    expect(readBack(good, names, sharesOf(10))).toEqual({ profile: true, routes: true });
    expect(readBack(good, names, sharesOf(20))).toEqual({ profile: false, routes: false });
    const old = { ...good, routes: [{ ...good.routes[0]!, observedGeneration: 1 }] };
    expect(readBack(old, names, sharesOf(10)).routes).toBe(false);
  });
});
