/** A pod cut down to what a rollout needs to know, and its trouble named by the word that people search for. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { PodRecord } from '../../protocol/snapshot.ts';
import { WELL, containerTrouble, notReadyYet } from './container-trouble.ts';
import type { Trouble } from './container-trouble.ts';
import { conditionOf, containersOf } from './pod-body.ts';
import type { Container, PodBody } from './pod-body.ts';
import { questionOf } from './question.ts';
import type { Answer, Ending, Question } from './question.ts';
import { share } from './share.ts';

export interface PodEntry {
  record: PodRecord;
  /** uid of the controlling ReplicaSet; empty if it has none. */
  ownerUid: string;
  /** What is worth one more request; absent of one that is well. */
  question?: Question;
  /** To that question, once it is there. */
  answer?: Answer;
}

/** @param previous what was kept of the same name: an answer stays while its question does, and a registry's words. */
export function reducePod(object: KubeObject, previous?: PodEntry): PodEntry {
  const body = object as KubeObject & PodBody;
  const { metadata, status } = body;
  const containers = containersOf(body);
  const uid = metadata.uid ?? '';
  const before = previous?.record.uid === uid ? previous : undefined;
  const ready = conditionOf(body, 'Ready')?.status === 'True';
  const deleting = metadata.deletionTimestamp !== undefined;
  const trouble = deleting ? disruption(body) : troubleOf(body, containers, ready);
  const record: PodRecord = {
    name: metadata.name,
    uid: before?.record.uid ?? uid,
    hash: share(metadata.labels?.['pod-template-hash'] ?? ''),
    phase: share(status?.phase ?? ''),
    ready,
    deleting,
    restarts: containers.reduce((sum, each) => sum + (each.status.restartCount ?? 0), 0),
    reason: share(trouble.reason),
    message: pullMessage(trouble, before?.record),
    failing: trouble.failing,
  };
  const ownerUid = share(metadata.ownerReferences?.find((each) => each.controller === true)?.uid ?? '');
  const question = questionOf(metadata as Ending, record, containers, before?.record.ready === true);
  if (!question) return { record, ownerUid };
  const isSame = before?.question?.key === question.key;
  const entry = { record, ownerUid, question: isSame && question.kind === 'probe' ? before.question! : question };
  return isSame && before.answer ? withAnswer(entry, before.answer) : entry;
}

/** The entry with what was found out. A word that the run decides by (CrashLoopBackOff) stays; the cause is told beside it. */
export function withAnswer(entry: PodEntry, answer: Answer): PodEntry {
  const { record, question } = entry;
  const more: Partial<PodRecord> = {};
  if (answer.logTail) more.logTail = answer.logTail;
  if (answer.reason && answer.message) {
    const isVague = question?.kind !== 'crash' || record.reason === 'Error' || record.reason === 'Completed';
    if (isVague) more.reason = share(answer.reason);
    more.message = question?.kind === 'crash' ? `${record.message}; ${answer.message}` : answer.message;
  }
  return { ...entry, record: { ...record, ...more }, answer };
}

function troubleOf(body: PodBody, containers: readonly Container[], ready: boolean): Trouble {
  const { status } = body;
  const troubles = containers.map(containerTrouble);
  const failing = troubles.find((each) => each.failing);
  // A pod that was evicted has containers that were killed: the eviction is why.
  if (status?.phase === 'Failed' && (status.reason || !failing)) {
    const reason = status.reason === 'Preempting' ? 'Preempted' : status.reason || 'Error';
    return { reason, message: status.message ?? 'The pod has failed.', failing: true };
  }
  if (failing) return failing;
  const scheduled = conditionOf(body, 'PodScheduled');
  // Not failing: an autoscaler may still bring the node it waits for.
  if (scheduled?.status === 'False') {
    return { reason: scheduled.reason ?? 'Unschedulable', message: scheduled.message ?? '', failing: false };
  }
  if (ready) return WELL;
  // A container that was restarted and is not ready yet: no failure at this moment, but why it is not ready.
  return (
    troubles.find((each) => each.reason !== '') ??
    containers.map(notReadyYet).find((each) => each.reason !== '') ??
    gates(body)
  );
}

function gates(body: PodBody): Trouble {
  const { reason, message } = conditionOf(body, 'Ready') ?? {};
  return reason === 'ReadinessGatesNotReady' ? { reason, message: message ?? '', failing: false } : WELL;
}

/** What ends because it was told to is not in trouble; one that had to make room says so. */
function disruption(body: PodBody): Trouble {
  const condition = conditionOf(body, 'DisruptionTarget');
  if (condition?.status !== 'True') return WELL;
  const isPreempted = condition.reason === 'PreemptionByScheduler';
  const why = condition.message || condition.reason || '';
  return { reason: isPreempted ? 'Preempted' : 'Evicted', message: why, failing: false };
}

/** Between two pulls the kubelet may say no more than that it waits: the registry's words are those of the pull before. */
function pullMessage({ reason, message }: Trouble, before: PodRecord | undefined): string {
  const isBare = reason === 'ImagePullBackOff' && !/error|denied|not found|failed|unauthorized|timeout/i.test(message);
  if (!isBare || !before) return message;
  if (before.reason === 'ErrImagePull') return `${message}; ${before.message}`;
  return before.reason === 'ImagePullBackOff' ? before.message : message;
}
