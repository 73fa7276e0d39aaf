import { describe, expect, test } from 'vitest';
import { reducePod, withAnswer } from '../../../src/agent/health/reduce-pod.ts';
import { POD_REASONS } from '../../../src/agent/health/reasons.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';
import { condition, ended, isReady, podJson, running, waiting } from './pod-json.ts';

interface Case {
  name: string;
  pod: KubeObject;
  reason: string;
  failing?: boolean;
  /** Part of the message. */
  says?: string;
}

const pull =
  'failed to pull and unpack image "registry.example/web:2": failed to resolve reference: unexpected status 401 Unauthorized';
const loop = waiting('CrashLoopBackOff', 'back-off 40s restarting failed container=app pod=web-1_shop(u)');
const limited = { containers: [{ name: 'app', resources: { limits: { memory: '128Mi' } } }] };
const probed = { containers: [{ name: 'app', readinessProbe: {}, startupProbe: {} }] };
const initSpec = { initContainers: [{ name: 'migrate' }, { name: 'proxy', restartPolicy: 'Always' }] };
const init = (statuses: object[]): KubeObject =>
  podJson([{ state: waiting('PodInitializing') }], {
    spec: initSpec,
    status: { phase: 'Pending', initContainerStatuses: statuses },
  });
const deletion = { deletionTimestamp: 'now' };

const CASES: Case[] = [
  { name: 'running and ready', pod: podJson([{ state: running }], { status: isReady }), reason: '' },
  { name: 'on its way', pod: podJson([{ state: waiting('ContainerCreating') }]), reason: '' },
  { name: 'waiting for its init containers', pod: podJson([{ state: waiting('PodInitializing') }]), reason: '' },
  {
    name: 'an image that never pulls',
    pod: podJson([{ state: waiting('ErrImageNeverPull', 'Container image "web:2" is not present') }]),
    reason: 'ErrImageNeverPull',
    failing: true,
    says: 'container app cannot start: Container image "web:2" is not present',
  },
  {
    name: 'a pull that is refused',
    pod: podJson([{ state: waiting('ErrImagePull', pull) }]),
    reason: 'ErrImagePull',
    failing: true,
    says: '401 Unauthorized',
  },
  {
    name: 'a pull that is tried again',
    pod: podJson([{ state: waiting('ImagePullBackOff', `Back-off pulling image "web:2": ErrImagePull: ${pull}`) }]),
    reason: 'ImagePullBackOff',
    failing: true,
    says: '401 Unauthorized',
  },
  {
    name: 'a name that is none',
    pod: podJson([{ state: waiting('InvalidImageName', 'Failed to apply default image tag "WEB:2"') }]),
    reason: 'InvalidImageName',
    failing: true,
    says: 'WEB:2',
  },
  {
    name: 'a ConfigMap that is missing',
    pod: podJson([{ state: waiting('CreateContainerConfigError', 'configmap "web-settings" not found') }]),
    reason: 'CreateContainerConfigError',
    failing: true,
    says: 'configmap "web-settings" not found',
  },
  {
    name: 'a container that cannot be made',
    pod: podJson([{ state: waiting('CreateContainerError', 'context deadline exceeded') }]),
    reason: 'CreateContainerError',
    failing: true,
  },
  {
    name: 'a container that cannot be run',
    pod: podJson([{ state: waiting('RunContainerError', 'no such device') }]),
    reason: 'RunContainerError',
    failing: true,
  },
  {
    name: 'a program that is not there',
    pod: podJson([{ state: ended(128, 'StartError', { message: 'exec: "/web": no such file' }) }]),
    reason: 'StartError',
    failing: true,
    says: 'exec: "/web": no such file',
  },
  {
    name: 'a hook that fails',
    pod: podJson([{ state: waiting('PostStartHookError', 'command failed') }]),
    reason: 'PostStartHookError',
    failing: true,
  },
  {
    name: 'a crash loop, with the code, the count and the pause',
    pod: podJson([{ state: loop, lastState: ended(1), restartCount: 3 }]),
    reason: 'CrashLoopBackOff',
    failing: true,
    says: 'container app exited with code 1; it is started again and again (restarts: 3, pause: 40s)',
  },
  {
    name: 'a crash loop by a signal',
    pod: podJson([{ state: loop, lastState: ended(139), restartCount: 1 }]),
    reason: 'CrashLoopBackOff',
    failing: true,
    says: 'exited with code 139 (SIGSEGV)',
  },
  {
    name: 'a crash loop for want of memory, with the limit',
    pod: podJson([{ state: loop, lastState: ended(137, 'OOMKilled') }], { spec: limited }),
    reason: 'OOMKilled',
    failing: true,
    says: 'exited with code 137 (SIGKILL) (out of memory: its limit is 128Mi)',
  },
  {
    name: 'out of memory without a limit',
    pod: podJson([{ state: ended(137, 'OOMKilled') }]),
    reason: 'OOMKilled',
    failing: true,
    says: 'it has no limit',
  },
  { name: 'ended with an error', pod: podJson([{ state: ended(3) }]), reason: 'Error', failing: true },
  {
    name: 'ended with its last words in the termination message',
    pod: podJson([{ state: ended(3, 'Error', { message: 'no database\n' }) }]),
    reason: 'Error',
    failing: true,
    says: 'exited with code 3 (no database)',
  },
  {
    name: 'ended well, but must run',
    pod: podJson([{ state: ended(0, 'Completed') }]),
    reason: 'Completed',
    failing: true,
  },
  {
    name: 'restarted, not ready yet',
    pod: podJson([{ state: running, lastState: ended(1), restartCount: 1 }]),
    reason: 'Error',
  },
  {
    name: 'restarted, ready again',
    pod: podJson([{ state: running, lastState: ended(1), restartCount: 1 }], { status: isReady }),
    reason: '',
  },
  {
    name: 'an init container that failed',
    pod: init([{ name: 'migrate', state: ended(2) }]),
    reason: 'Error',
    failing: true,
    says: 'init container migrate exited with code 2',
  },
  {
    name: 'an init container that ended well',
    pod: init([{ name: 'migrate', state: ended(0, 'Completed') }]),
    reason: '',
  },
  { name: 'a sidecar that runs', pod: init([{ name: 'proxy', state: running, ready: true }]), reason: '' },
  {
    name: 'a sidecar that ended, with whatever code',
    pod: init([{ name: 'proxy', state: ended(0, 'Completed') }]),
    reason: 'Completed',
    failing: true,
    says: 'sidecar proxy exited with code 0',
  },
  {
    name: 'runs, and was never ready',
    pod: podJson([{ state: running, started: true }], { spec: probed }),
    reason: 'NotReady',
    says: 'container app runs, and its readiness probe does not pass',
  },
  {
    name: 'runs, and has not started up',
    pod: podJson([{ state: running, started: false }], { spec: probed }),
    reason: 'NotReady',
    says: 'startup probe has not passed yet',
  },
  {
    name: 'a gate of its own that is closed',
    pod: podJson([{ state: running, ready: true }], {
      status: condition('Ready', 'False', 'ReadinessGatesNotReady', 'readiness gate "lb" does not exist'),
    }),
    reason: 'ReadinessGatesNotReady',
    says: 'readiness gate "lb"',
  },
  {
    name: 'without a node',
    pod: podJson([], {
      status: {
        phase: 'Pending',
        ...condition('PodScheduled', 'False', 'Unschedulable', '0/3 nodes are available: 3 Insufficient cpu.'),
      },
    }),
    reason: 'Unschedulable',
    says: '3 Insufficient cpu',
  },
  {
    name: 'held by a gate before its node',
    pod: podJson([], { status: { phase: 'Pending', ...condition('PodScheduled', 'False', 'SchedulingGated') } }),
    reason: 'SchedulingGated',
  },
  {
    name: 'evicted by its node, whose containers were killed for it',
    pod: podJson([{ state: ended(137) }], {
      status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    }),
    reason: 'Evicted',
    failing: true,
    says: 'low on resource: memory',
  },
  {
    name: 'evicted by a drain',
    pod: podJson([{ state: running }], {
      metadata: deletion,
      status: condition('DisruptionTarget', 'True', 'EvictionByEvictionAPI', 'Eviction API: evicting'),
    }),
    reason: 'Evicted',
    says: 'Eviction API',
  },
  {
    name: 'preempted for a more important one',
    pod: podJson([{ state: running }], {
      metadata: deletion,
      status: condition(
        'DisruptionTarget',
        'True',
        'PreemptionByScheduler',
        'default-scheduler: preempting to accommodate a higher priority pod',
      ),
    }),
    reason: 'Preempted',
    says: 'higher priority pod',
  },
  {
    name: 'preempted by its node',
    pod: podJson([], {
      status: { phase: 'Failed', reason: 'Preempting', message: 'Preempted in order to admit critical pod' },
    }),
    reason: 'Preempted',
    failing: true,
  },
  {
    name: 'longer than it may',
    pod: podJson([], {
      status: {
        phase: 'Failed',
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      },
    }),
    reason: 'DeadlineExceeded',
    failing: true,
  },
  { name: 'told to end', pod: podJson([{ state: ended(143) }], { metadata: deletion }), reason: '' },
  {
    name: "a Job's that is done",
    pod: podJson([{ state: ended(0, 'Completed') }], { spec: { restartPolicy: 'Never' } }),
    reason: '',
  },
];

describe('a pod in trouble is called by the word that people search for', () => {
  test.each(CASES)('$name', ({ pod, reason, failing = false, says = '' }) => {
    const { record } = reducePod(pod);
    expect(record).toMatchObject({ reason, failing });
    expect(record.message).toContain(says);
  });

  test('every word of the list is met here, or comes from events and time', () => {
    const later = ['ReadinessProbeFailed', 'LivenessProbeFailed', 'StartupProbeFailed', 'FailedMount'];
    const met = new Set([
      ...CASES.map(({ reason }) => reason),
      ...later,
      'FailedAttachVolume',
      'FailedCreatePodSandBox',
      'Terminating',
    ]);
    expect(POD_REASONS.filter((reason) => !met.has(reason))).toEqual([]);
  });

  test('restarts are those of all containers; the owner is the controlling one', () => {
    const metadata = { ownerReferences: [{ uid: 'x' }, { uid: 'rs', controller: true }] };
    const entry = reducePod(podJson([{ restartCount: 2 }, { name: 'side', restartCount: 3 }], { metadata }));
    expect(entry).toMatchObject({ ownerUid: 'rs', record: { restarts: 5, hash: 'abc' } });
  });

  test('the registry is still heard while the kubelet only says that it waits', () => {
    const refused = reducePod(podJson([{ state: waiting('ErrImagePull', pull) }]));
    const bare = podJson([{ state: waiting('ImagePullBackOff', 'Back-off pulling image "web:2"') }]);
    const waits = reducePod(bare, refused);
    expect(waits.record.message).toContain('401 Unauthorized');
    expect(reducePod(bare, waits).record.message).toBe(waits.record.message);
  });

  test('a message without end is cut', () => {
    const pod = podJson([{ state: waiting('ErrImagePull', 'x'.repeat(50_000)) }]);
    expect(reducePod(pod).record.message).toHaveLength(1000);
  });
});

describe('what one more request can tell is asked once', () => {
  const crashed = podJson([{ state: ended(1), restartCount: 0 }]);
  const restarted = podJson([{ state: running, lastState: ended(1), restartCount: 1 }]);
  // As the kubelet counts: while it waits the life that ended is the one of the count, while it runs the one before.
  const loops = podJson([{ state: loop, lastState: ended(1), restartCount: 0 }]);

  test('a crash keeps its question and its answer while it is started again, and loses both when it is well', () => {
    const first = reducePod(crashed);
    expect(first.question).toMatchObject({ kind: 'crash', container: 'app', previous: false, afterMs: 0 });
    const answered = withAnswer(first, { key: first.question!.key, logTail: 'no database' });
    const second = reducePod(restarted, answered);
    expect(second.question).toMatchObject({ key: first.question!.key, previous: true });
    expect(second.record.logTail).toBe('no database');
    expect(reducePod(loops, answered).record.logTail).toBe('no database');
    const well = reducePod(
      podJson([{ state: running, lastState: ended(1), restartCount: 1 }], { status: isReady }),
      second,
    );
    expect(well.question).toBeUndefined();
    expect(well.record).not.toHaveProperty('logTail');
  });

  test('the lives of a container are told apart by its runtime’s name for them', () => {
    const [one, two] = ['containerd://1', 'containerd://2'].map((containerID) =>
      reducePod(podJson([{ state: loop, lastState: ended(1, 'Error', { containerID }), restartCount: 1 }])),
    );
    expect(one!.question!.key).not.toBe(two!.question!.key);
    const over = podJson([{ state: ended(1, 'Error', { containerID: 'containerd://1' }), restartCount: 1 }]);
    expect(reducePod(over).question!.key).toBe(one!.question!.key);
  });

  test('the next crash is another question, and its pod of the same name another pod', () => {
    const first = reducePod(crashed);
    const answered = withAnswer(first, { key: first.question!.key, logTail: 'no database' });
    const again = reducePod(podJson([{ state: ended(1), restartCount: 1 }]), answered);
    expect(again.question!.key).not.toBe(first.question!.key);
    expect(again.record).not.toHaveProperty('logTail');
    const other = reducePod(podJson([{ state: ended(1) }], { metadata: { uid: 'other' } }), answered);
    expect(other.record).not.toHaveProperty('logTail');
  });

  test('a crash loop stays one, with the probe that ended it beside', () => {
    const entry = reducePod(loops);
    const { record } = withAnswer(entry, {
      key: entry.question!.key,
      reason: 'LivenessProbeFailed',
      message: 'Liveness probe failed: HTTP probe failed with statuscode: 500',
    });
    expect(record.reason).toBe('CrashLoopBackOff');
    expect(record.message).toMatch(/exited with code 1.*; Liveness probe failed: HTTP/);
  });

  test('events are asked for only where a probe may have ended it', () => {
    const probes = { containers: [{ name: 'app', livenessProbe: {} }] };
    expect(reducePod(crashed).question!.events).toBe(false);
    expect(reducePod(podJson([{ state: ended(137) }], { spec: probes })).question!.events).toBe(true);
    expect(reducePod(podJson([{ state: ended(137, 'OOMKilled') }], { spec: probes })).question!.events).toBe(false);
  });

  test('a start that takes long, a probe that fails, an end that does not come: each after its time', () => {
    const starting = podJson([{ state: waiting('ContainerCreating') }], { status: { phase: 'Pending' } });
    expect(reducePod(starting).question).toMatchObject({ kind: 'start', afterMs: 15_000 });
    const unready = podJson([{ state: running, started: true }], { spec: probed });
    expect(reducePod(unready).question).toMatchObject({ kind: 'probe', afterMs: 10_000 });
    const ready = reducePod(podJson([{ state: running, ready: true }], { status: isReady, spec: probed }));
    expect(reducePod(unready, ready).question).toMatchObject({ kind: 'probe', afterMs: 500 });
    const metadata = { ...deletion, deletionGracePeriodSeconds: 5, finalizers: ['example/lock'] };
    const ending = reducePod(podJson([{ state: running }], { metadata }));
    expect(ending.question).toMatchObject({ kind: 'end', afterMs: 35_000 });
    expect(ending.question!.hint).toContain('example/lock');
  });

  test('nothing is asked of a pod that is well or had to make room', () => {
    for (const name of [
      'running and ready',
      'restarted, ready again',
      'evicted by its node, whose containers were killed for it',
      'without a node',
    ]) {
      expect(reducePod(CASES.find((each) => each.name === name)!.pod).question).toBeUndefined();
    }
  });
});
