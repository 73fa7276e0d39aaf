/** What the broken pods of a version said last, for whoever reads why it was taken back. */

import type { PodRecord } from '../../../protocol/snapshot.ts';
import type { Run } from './run.ts';

/** The agent tells the failure first and reads the lines then; a container that never ran has none. */
const LINES_MS = 1_000;
/** The pods of a version mostly break alike. */
const MOST_PODS = 2;

/** @param hash of the version; undefined: of any pod that is watched. */
export async function tellLastLines(run: Run, hash?: string): Promise<void> {
  const end = await run.wait('last lines', {
    timer: run.timer(LINES_MS),
    unwatched: true,
    met: ({ pods }) => linesOf(pods.filter((pod) => hash === undefined || pod.hash === hash)),
  });
  if (end.kind !== 'met') return;
  for (const { pod, text } of end.value) await run.say('pod.log', text, undefined, { pod });
}

/** @returns undefined while lines may still come. */
function linesOf(pods: PodRecord[]): { pod: string; text: string }[] | undefined {
  const failing = pods.filter((pod) => pod.failing);
  const told = failing.filter(({ logTail }) => logTail !== undefined && logTail.trim() !== '');
  if (failing.length > 0 && told.length === 0) return undefined;
  return told.slice(0, MOST_PODS).map(({ name, logTail = '' }) => ({ pod: name, text: logTail.trimEnd() }));
}
