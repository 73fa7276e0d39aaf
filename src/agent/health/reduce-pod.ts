/** A pod cut down to what a rollout needs to know, and its trouble named by the word that people search for. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { PodRecord } from '../../protocol/snapshot.ts';

export interface PodEntry {
  record: PodRecord;
  /** uid of the controlling ReplicaSet; empty if it has none. */
  ownerUid: string;
}

interface Terminated {
  exitCode?: number;
  signal?: number;
  reason?: string;
  message?: string;
}

interface ContainerStatus {
  name: string;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string }; running?: object; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
}

interface PodBody {
  spec?: { restartPolicy?: string; initContainers?: { name: string; restartPolicy?: string }[] };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

type Trouble = Pick<PodRecord, 'reason' | 'message' | 'failing'>;

const WELL: Trouble = { reason: '', message: '', failing: false };

/** Waiting for these is a normal start; any other reason to wait says that the container cannot start. */
const STARTING = new Set(['', 'ContainerCreating', 'PodInitializing']);

export function reducePod(object: KubeObject): PodEntry {
  const { spec, status } = object as PodBody;
  const { metadata } = object;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const ready = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
  const deleting = metadata.deletionTimestamp !== undefined;
  return {
    record: {
      name: metadata.name,
      uid: metadata.uid ?? '',
      hash: metadata.labels?.['pod-template-hash'] ?? '',
      phase: status?.phase ?? '',
      ready,
      deleting,
      restarts: containers.reduce((sum, each) => sum + (each.restartCount ?? 0), 0),
      // What ends because it was told to is not in trouble.
      ...(deleting ? WELL : troubleOf(spec, status, containers, ready)),
    },
    ownerUid: metadata.ownerReferences?.find((each) => each.controller === true)?.uid ?? '',
  };
}

function troubleOf(
  spec: PodBody['spec'],
  status: PodBody['status'],
  containers: ContainerStatus[],
  ready: boolean,
): Trouble {
  const troubles = containers.map((each) => containerTrouble(each, mustRun(each.name, spec)));
  const failing = troubles.find((each) => each.failing);
  if (failing) return failing;
  if (status?.phase === 'Failed') {
    return { reason: status.reason ?? 'Error', message: status.message ?? 'The pod has failed.', failing: true };
  }
  const unscheduled = status?.conditions?.find((each) => each.type === 'PodScheduled' && each.status === 'False');
  // Not failing: an autoscaler may still bring the node it waits for.
  if (unscheduled)
    return { reason: unscheduled.reason ?? 'Unschedulable', message: unscheduled.message ?? '', failing: false };
  // A container that was restarted and is not ready yet: no failure at this moment, but why it is not ready.
  return (!ready && troubles.find((each) => each.reason !== '')) || WELL;
}

/** Whether an end with code 0 is an end that should not be: init containers and Jobs are meant to end. */
function mustRun(name: string, spec: PodBody['spec']): boolean {
  const init = spec?.initContainers?.find((each) => each.name === name);
  return init ? init.restartPolicy === 'Always' : (spec?.restartPolicy ?? 'Always') === 'Always';
}

function containerTrouble(container: ContainerStatus, mustRun: boolean): Trouble {
  const { waiting, terminated } = container.state ?? {};
  const last = container.lastState?.terminated;
  if (terminated) return endOf(container.name, terminated, terminated.exitCode !== 0 || mustRun);
  if (waiting && !STARTING.has(waiting.reason ?? '')) {
    const before = last ? `; it ${endSentence(last)}` : '';
    // A loop that the kernel started is named by its cause.
    const reason = last?.reason === 'OOMKilled' ? 'OOMKilled' : (waiting.reason ?? '');
    return {
      reason,
      message: `container ${container.name}: ${waiting.message ?? waiting.reason ?? ''}${before}`,
      failing: true,
    };
  }
  return last ? endOf(container.name, last, false) : WELL;
}

function endOf(name: string, end: Terminated, failing: boolean): Trouble {
  if (end.exitCode === 0 && !failing) return WELL;
  return { reason: end.reason || 'Error', message: `container ${name} ${endSentence(end)}`, failing };
}

function endSentence(end: Terminated): string {
  const how = end.signal ? `was killed by signal ${end.signal}` : `exited with code ${end.exitCode ?? 'unknown'}`;
  const why = [end.reason === 'OOMKilled' ? 'out of memory' : '', end.message?.trim() ?? ''].filter(
    (each) => each !== '',
  );
  return why.length > 0 ? `${how} (${why.join(': ')})` : how;
}
