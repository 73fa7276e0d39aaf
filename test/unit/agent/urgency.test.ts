import { describe, expect, test } from 'vitest';
import { urgencyOf } from '../../../src/agent/health/urgency.ts';
import { reducePod } from '../../../src/agent/health/reduce-pod.ts';
import type { PodEntry } from '../../../src/agent/health/reduce-pod.ts';
import { reduceDeployment, reduceReplicaSet } from '../../../src/agent/health/reduce-workload.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';
import { ended, isReady, podJson, running } from './pod-json.ts';

const entry = (more: object = {}, status: object = {}): PodEntry =>
  reducePod(podJson([{ state: running, ...more }], { status }));
const unready = entry();
const ready = entry({}, isReady);
const crashed = entry({ state: ended(1) });
const isUrgent = (...change: Parameters<typeof urgencyOf>): boolean => urgencyOf(...change) === 'pods';
const none = (): PodEntry[] => [];

const workload = (kind: string, replicas: number, status: object, more: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web', uid: 'u', generation: 1 },
  spec: { replicas, ...more },
  status: { observedGeneration: 1, ...status },
});
const full = { replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
const slice = (names: string[], notReady: string[] = []) => ({ service: 'web', ready: names, notReady });

describe('a turn for the worse is urgent', () => {
  test.each([
    ['a pod that crashed', ready, crashed],
    ['a pod that is not ready any more', ready, unready],
    ['a pod that was restarted', unready, entry({ restartCount: 1 })],
    ['a pod that somebody took away', ready, undefined],
  ])('%s', (_name, previous, next) => expect(isUrgent('pods', previous, next, () => [ready])).toBe(true));

  test('an endpoint less', () => expect(isUrgent('slices', slice(['a', 'b']), slice(['a'], ['b']), none)).toBe(true));
  test('a ReplicaSet that may not make pods', () => {
    const conditions = [
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: q' },
    ];
    const before = reduceReplicaSet(workload('ReplicaSet', 3, {}));
    expect(isUrgent('replicaSets', before, reduceReplicaSet(workload('ReplicaSet', 3, { conditions })), none)).toBe(
      true,
    );
  });
});

describe('what a run waits for is urgent; what comes before it is not', () => {
  test('the last pod that is ready, not the ones before', () => {
    expect(isUrgent('pods', unready, ready, () => [ready, unready])).toBe(false);
    expect(isUrgent('pods', unready, ready, () => [ready, ready])).toBe(true);
  });

  test('the last pod that goes, not the ones before', () => {
    const ending = reducePod(podJson([{ state: running }], { metadata: { deletionTimestamp: 'now' } }));
    expect(isUrgent('pods', ending, undefined, () => [ending])).toBe(false);
    expect(isUrgent('pods', ending, undefined, none)).toBe(true);
  });

  test('the last endpoint, and other ones in the place of the old', () => {
    expect(isUrgent('slices', slice(['a'], ['b', 'c']), slice(['a', 'b'], ['c']), none)).toBe(false);
    expect(isUrgent('slices', slice(['a', 'b'], ['c']), slice(['a', 'b', 'c']), none)).toBe(true);
    expect(isUrgent('slices', slice(['a']), slice(['z']), none)).toBe(true);
    expect(isUrgent('slices', slice(['a']), slice(['a']), none)).toBe(false);
  });

  test('a ReplicaSet that is all available, and a Deployment that is settled, paused or resized', () => {
    const set = (available: number) => reduceReplicaSet(workload('ReplicaSet', 3, { availableReplicas: available }));
    expect(isUrgent('replicaSets', set(1), set(2), none)).toBe(false);
    expect(isUrgent('replicaSets', set(2), set(3), none)).toBe(true);
    const of = (status: object, replicas = 3, more: object = {}) =>
      reduceDeployment(workload('Deployment', replicas, status, more));
    expect(isUrgent('deployments', of({ replicas: 3 }), of({ replicas: 3, updatedReplicas: 2 }), none)).toBe(false);
    expect(isUrgent('deployments', of({ replicas: 3, updatedReplicas: 2 }), of(full), none)).toBe(true);
    expect(isUrgent('deployments', of(full), of(full, 4), none)).toBe(true);
    expect(isUrgent('deployments', of(full), of(full, 3, { paused: true }), none)).toBe(true);
  });

  test('all that Sluice writes and reads back', () => {
    for (const kind of ['splits', 'routes', 'profiles', 'services'] as const)
      expect(urgencyOf(kind, {}, {}, none)).toBe('traffic');
  });
});
