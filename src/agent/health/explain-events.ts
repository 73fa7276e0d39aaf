/** What a pod's warnings say about the question it leaves open: the newest that fits, in its word. Pure. */

import type { Answer, Question } from './question.ts';
import type { PodReason } from './reasons.ts';

export interface KubeEvent {
  reason?: string;
  message?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { lastObservedTime?: string | null };
  metadata?: { creationTimestamp?: string };
}

const PROBES: readonly [RegExp, PodReason][] = [
  [/^Liveness probe /, 'LivenessProbeFailed'],
  [/^Startup probe /, 'StartupProbeFailed'],
  [/^Readiness probe /, 'ReadinessProbeFailed'],
];
const STARTS: readonly PodReason[] = ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox'];
const MAX_MESSAGE = 1000;

/** Reason and message, or nothing where no event fits. */
export function explainEvents(
  events: readonly KubeEvent[],
  kind: Question['kind'],
): Pick<Answer, 'reason' | 'message'> {
  for (const event of [...events].sort((a, b) => timeOf(b) - timeOf(a))) {
    const message = (event.message ?? '').trim().slice(0, MAX_MESSAGE);
    const reason = kind === 'start' ? STARTS.find((each) => each === event.reason) : probeOf(event, message, kind);
    if (reason && message !== '') return { reason, message };
  }
  return {};
}

/** A crash is never a readiness probe's doing. */
function probeOf({ reason }: KubeEvent, message: string, kind: Question['kind']): PodReason | undefined {
  if (reason !== 'Unhealthy') return undefined;
  const word = PROBES.find(([pattern]) => pattern.test(message))?.[1];
  return kind === 'crash' && word === 'ReadinessProbeFailed' ? undefined : word;
}

function timeOf(event: KubeEvent): number {
  const said = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime;
  return Date.parse(said ?? event.metadata?.creationTimestamp ?? '') || 0;
}
