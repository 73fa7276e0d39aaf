import { describe, expect, test } from 'vitest';
import { reducePod } from '../../../src/agent/health/reduce-pod.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

interface Container {
  state?: object;
  lastState?: object;
  restartCount?: number;
  name?: string;
}

function pod(containers: Container[], more: { status?: object; spec?: object; metadata?: object } = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', uid: 'u', labels: { 'pod-template-hash': 'abc' }, ...more.metadata },
    spec: { restartPolicy: 'Always', ...more.spec },
    status: {
      phase: 'Running',
      containerStatuses: containers.map((each) => ({ name: 'app', restartCount: 0, ...each })),
      ...more.status,
    },
  };
}

const waiting = (reason: string, message = '') => ({ waiting: { reason, message } });
const ended = (exitCode: number, reason = 'Error') => ({ terminated: { exitCode, reason } });
const running = { running: { startedAt: 'now' } };
const readyStatus = { conditions: [{ type: 'Ready', status: 'True' }] };

describe('a pod in trouble is called by the word that people search for', () => {
  test.each([
    ['running and ready', pod([{ state: running }], { status: readyStatus }), '', false],
    ['on its way', pod([{ state: waiting('ContainerCreating') }]), '', false],
    ['waiting for its init containers', pod([{ state: waiting('PodInitializing') }]), '', false],
    ['image that never pulls', pod([{ state: waiting('ErrImageNeverPull') }]), 'ErrImageNeverPull', true],
    ['image pull back-off', pod([{ state: waiting('ImagePullBackOff') }]), 'ImagePullBackOff', true],
    ['missing ConfigMap', pod([{ state: waiting('CreateContainerConfigError') }]), 'CreateContainerConfigError', true],
    [
      'crash loop',
      pod([{ state: waiting('CrashLoopBackOff'), lastState: ended(1), restartCount: 3 }]),
      'CrashLoopBackOff',
      true,
    ],
    [
      'crash loop for want of memory',
      pod([{ state: waiting('CrashLoopBackOff'), lastState: ended(137, 'OOMKilled') }]),
      'OOMKilled',
      true,
    ],
    ['ended with an error', pod([{ state: ended(3) }]), 'Error', true],
    ['ended well, but must run', pod([{ state: ended(0, 'Completed') }]), 'Completed', true],
    ['restarted, not ready yet', pod([{ state: running, lastState: ended(1), restartCount: 1 }]), 'Error', false],
    [
      'restarted, ready again',
      pod([{ state: running, lastState: ended(1), restartCount: 1 }], { status: readyStatus }),
      '',
      false,
    ],
    ['evicted', pod([], { status: { phase: 'Failed', reason: 'Evicted', message: 'low on memory' } }), 'Evicted', true],
    [
      'without a node',
      pod([], {
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }],
        },
      }),
      'Unschedulable',
      false,
    ],
    ['told to end', pod([{ state: ended(143) }], { metadata: { deletionTimestamp: 'now' } }), '', false],
    ["a Job's that is done", pod([{ state: ended(0, 'Completed') }], { spec: { restartPolicy: 'Never' } }), '', false],
  ])('%s', (_name, object, reason, failing) => {
    expect(reducePod(object).record).toMatchObject({ reason, failing });
  });

  test('the message names the container and the exit code', () => {
    const looping = pod([
      { name: 'app', state: waiting('CrashLoopBackOff', 'back-off 10s'), lastState: ended(137, 'OOMKilled') },
    ]);
    const { message } = reducePod(looping).record;
    expect(message).toBe('container app: back-off 10s; it exited with code 137 (out of memory)');
  });

  test('restarts are those of all containers; the owner is the controlling one', () => {
    const metadata = { ownerReferences: [{ uid: 'x' }, { uid: 'rs', controller: true }] };
    const entry = reducePod(pod([{ restartCount: 2 }, { name: 'side', restartCount: 3 }], { metadata }));
    expect(entry).toMatchObject({ ownerUid: 'rs', record: { restarts: 5, hash: 'abc' } });
  });

  test('an init container that ended well is no trouble; one that failed is', () => {
    const spec = { initContainers: [{ name: 'init' }] };
    const init = (state: object) =>
      pod([{ state: waiting('PodInitializing') }], {
        spec,
        status: { phase: 'Pending', initContainerStatuses: [{ name: 'init', state }] },
      });
    expect(reducePod(init(ended(0, 'Completed'))).record).toMatchObject({ reason: '', failing: false });
    expect(reducePod(init(ended(2))).record).toMatchObject({ reason: 'Error', failing: true });
  });
});
