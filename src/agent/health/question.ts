/** What a pod's own status leaves open and one request can tell: a crash's last lines, why it does not start, which probe fails. Pure. */

import type { PodRecord } from '../../protocol/snapshot.ts';
import type { Container } from './pod-body.ts';

export interface Question {
  /** The same for the same crash, start or probe of a pod: asked once. */
  key: string;
  kind: 'crash' | 'start' | 'probe' | 'end';
  /** How long after it came up it is asked, if it still stands then. */
  afterMs: number;
  /** Of a crash: whose lines, and whether it has been started again since. */
  container?: string;
  previous?: boolean;
  /** Events are asked for too, or alone. */
  events: boolean;
  /** Of an end: what holds the pod, as far as it says. */
  hint?: string;
}

export interface Answer {
  key: string;
  logTail?: string;
  reason?: string;
  message?: string;
}

/** The metadata of what is told to end. */
export interface Ending {
  finalizers?: string[];
  deletionGracePeriodSeconds?: number;
}

/** Words that say all: the lines of a container that had to make room tell nothing of it. */
const EXPLAINED = new Set(['', 'Evicted', 'Preempted']);
/** A pull and a mount take their time; the kubelet gives up a mount after 2 min and tells of each try. */
const START_MS = 15_000;
/** Of one that was never ready: the default probe asks every 10 s. */
const PROBE_MS = 10_000;
/** Of one that was: the kubelet has told of the failed probe already, and writes it behind the status. */
const LOST_MS = 500;
/** Beyond its time to end in peace. */
const END_MS = 30_000;
const GRACE_S = 30;

export function questionOf(
  metadata: Ending,
  record: Pick<PodRecord, 'phase' | 'ready' | 'deleting' | 'reason'>,
  containers: readonly Container[],
  wasReady: boolean,
): Question | undefined {
  if (record.deleting) return endQuestion(metadata);
  if (record.ready) return undefined;
  const crashed = containers.find(hasCrashed);
  if (crashed && !EXPLAINED.has(record.reason)) return crashQuestion(crashed);
  if (record.reason === 'NotReady') {
    return { key: 'probe', kind: 'probe', afterMs: wasReady ? LOST_MS : PROBE_MS, events: true };
  }
  const isStarting = record.phase === 'Pending' && record.reason === '' && containers.length > 0;
  return isStarting ? { key: 'start', kind: 'start', afterMs: START_MS, events: true } : undefined;
}

function hasCrashed({ status, mustRun }: Container): boolean {
  const { terminated } = status.state ?? {};
  if (terminated) return mustRun || terminated.exitCode !== 0;
  const last = status.lastState?.terminated;
  return last !== undefined && (mustRun || last.exitCode !== 0);
}

function crashQuestion({ status, spec }: Container): Question {
  const isOver = status.state?.terminated !== undefined;
  const end = status.state?.terminated ?? status.lastState?.terminated;
  // One that waits to be started again has not been counted yet.
  const life = (status.restartCount ?? 0) - (status.state?.running ? 1 : 0);
  const isProbed = spec?.livenessProbe !== undefined || spec?.startupProbe !== undefined;
  return {
    // The same while it has ended, waits and runs again.
    key: `crash/${status.name}/${end?.containerID ?? life}`,
    kind: 'crash',
    afterMs: 0,
    container: status.name,
    previous: !isOver,
    events: isProbed && end?.reason !== 'OOMKilled',
  };
}

function endQuestion(metadata: Ending): Question {
  const graceS = metadata.deletionGracePeriodSeconds ?? GRACE_S;
  const { finalizers = [] } = metadata;
  const held =
    finalizers.length > 0
      ? `its finalizers are not removed: ${finalizers.join(', ')}`
      : 'its node may be unreachable, or a process of it cannot be ended';
  return {
    key: 'end',
    kind: 'end',
    afterMs: graceS * 1000 + END_MS,
    events: false,
    hint: `was to be gone within ${graceS} s and is still there: ${held}`,
  };
}
