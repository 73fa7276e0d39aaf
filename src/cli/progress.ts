/** How a deployment looks while it runs: one line an event, or a picture that is drawn over. Pure text. */

import type { StreamedEvent, StreamedRollout } from './follow.ts';

const BAR = 20;
/** Events whose message is what others wrote. */
const LOGS: Record<string, string> = { 'job.log': 'log of the job:', 'pod.log': 'last lines of the pod:' };

/** `09:41:07 staging  10 % of web goes to the canary` */
export function eventLine(event: StreamedEvent): string {
  const time = new Date(event.at).toISOString().slice(11, 19);
  const target = event.rolloutId === null ? '' : `${event.rolloutId.slice(event.rolloutId.indexOf(':') + 1)}  `;
  const lines = event.message.split('\n').map(harmless);
  const heading = LOGS[event.kind];
  const text = heading === undefined ? lines : [heading, ...lines.map((line) => `    ${line}`)];
  return text.map((line, index) => (index === 0 ? `${time} ${target}${line}` : `${' '.repeat(9)}${line}`)).join('\n');
}

/** A target as one looks at it: where it is, how far, how much traffic, how healthy, what was judged. */
export function rolloutLines(rollout: StreamedRollout, width: number): string[] {
  const { target, state, phase, step, steps, weight, ready, wanted, verdicts, reason } = rollout;
  const full = Math.round((weight / 100) * BAR);
  const bar = `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
  const where = phase === 'step' && steps > 0 ? `step ${step} of ${steps}` : phase;
  const pods = wanted > 0 ? `  ${ready}/${wanted} pods ready` : '';
  const verdict = verdicts.at(-1);
  const lines = [
    `${mark(state)} ${target}  ${where}  ${bar} ${Number(weight.toFixed(2))} %${pods}`,
    ...(verdict === undefined ? [] : [`    ${verdict.verdict}: ${verdict.reason}`]),
    ...(reason === null || reason === '' ? [] : [`    ${reason}`]),
  ];
  return lines.map((line) => cut(harmless(line), width));
}

function mark(state: string): string {
  const marks: Record<string, string> = {
    succeeded: '✔',
    rolledBack: '↩',
    aborted: '↩',
    failed: '✖',
    skipped: '-',
    stalled: '!',
    waitingApproval: '?',
  };
  return marks[state] ?? '●';
}

/** Logs and messages of others may hold what moves the cursor, paints, or ends the line. */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return text.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '').replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, ' ');
}

/** A line that wraps would make the picture jump. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
