/** What is wrong with one container, in the word people search for and the figures that help. Pure. */

import type { PodRecord } from '../../protocol/snapshot.ts';
import type { Container, Terminated } from './pod-body.ts';

export type Trouble = Pick<PodRecord, 'reason' | 'message' | 'failing'>;

export const WELL: Trouble = { reason: '', message: '', failing: false };

/** Waiting for these is a normal start; any other reason to wait says that the container cannot start. */
const STARTING = new Set(['', 'ContainerCreating', 'PodInitializing']);
/** How a container that a signal ended tells of it: 128 and the signal. */
const SIGNALS: Record<number, string> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};
/** A registry's page instead of an answer, a stack of an admission webhook: more than this nobody reads. */
const MAX_MESSAGE = 1000;

export function containerTrouble(container: Container): Trouble {
  const { state, lastState, restartCount = 0 } = container.status;
  const last = lastState?.terminated;
  if (state?.terminated)
    return endOf(container, state.terminated, state.terminated.exitCode !== 0 || container.mustRun);
  const waiting = state?.waiting;
  if (waiting && !STARTING.has(waiting.reason ?? '')) {
    const reason = waiting.reason ?? '';
    if (reason === 'CrashLoopBackOff' && last) {
      const pause = /back-off (\w+) /.exec(waiting.message ?? '')?.[1];
      const again = `; it is started again and again (restarts: ${restartCount}${pause ? `, pause: ${pause}` : ''})`;
      // A loop that the kernel started is named by its cause.
      return told(
        container,
        last.reason === 'OOMKilled' ? 'OOMKilled' : reason,
        `${endSentence(last, container)}${again}`,
        true,
      );
    }
    const before = last ? `; before, it ${endSentence(last, container)}` : '';
    return told(container, reason, `cannot start: ${waiting.message?.trim() || reason}${before}`, true);
  }
  return last ? endOf(container, last, false) : WELL;
}

/** A container that runs and is not ready; it is no failure, and how every start looks for a while. */
export function notReadyYet(container: Container): Trouble {
  const { status, spec } = container;
  if (!status.state?.running || status.ready !== false || container.role === 'init container') return WELL;
  const { startupProbe, readinessProbe } = spec ?? {};
  if (startupProbe && status.started === false)
    return told(container, 'NotReady', 'runs, and its startup probe has not passed yet', false);
  if (readinessProbe && status.started !== false)
    return told(container, 'NotReady', 'runs, and its readiness probe does not pass', false);
  return WELL;
}

function endOf(container: Container, end: Terminated, failing: boolean): Trouble {
  if (end.exitCode === 0 && !failing) return WELL;
  return told(container, end.reason || 'Error', endSentence(end, container), failing);
}

function told({ role, status }: Container, reason: string, what: string, failing: boolean): Trouble {
  return { reason, message: `${role} ${status.name} ${what}`.slice(0, MAX_MESSAGE), failing };
}

function endSentence(end: Terminated, { spec }: Container): string {
  const signal = SIGNALS[end.signal ?? (end.exitCode ?? 0) - 128];
  const code = `exited with code ${end.exitCode ?? 'unknown'}`;
  const how = end.signal ? `was killed by signal ${end.signal}` : signal ? `${code} (${signal})` : code;
  const limit = spec?.resources?.limits?.memory;
  const memory = limit
    ? `out of memory: its limit is ${limit}`
    : 'out of memory: it has no limit, so the node had no more';
  const why = [end.reason === 'OOMKilled' ? memory : '', end.message?.trim() ?? ''].filter((each) => each !== '');
  return why.length > 0 ? `${how} (${why.join(': ')})` : how;
}
