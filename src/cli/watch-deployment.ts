/** Shows a deployment until it is over: a picture in a terminal, lines elsewhere, JSON where asked for. */

import type { ApiClient } from './api-client.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { follow, type Message, type StreamedRollout } from './follow.ts';
import type { Output } from './output.ts';
import { eventLine, rolloutLines } from './progress.ts';

/**
 * @param isKnown whether the orchestrator answered just before.
 * @returns the exit code of its outcome; EXIT.left when the person left it (the deployment goes on).
 */
export async function watchDeployment(
  api: ApiClient,
  id: string,
  out: Output,
  signal: AbortSignal,
  isKnown = false,
): Promise<number> {
  const show = out.json ? jsonLines(out) : out.isTerminal ? picture(out) : plainLines(out);
  const onLost = (): void => {
    if (!out.isTerminal) out.note('The orchestrator does not answer; trying again. The deployment goes on by itself.');
  };
  const end = await follow(api, id, { onMessage: show, onLost, isKnown }, signal);
  if (end === undefined) {
    out.note(`\nNo longer watching. Deployment ${id} goes on: sluice watch ${id}, or stop it with: sluice abort ${id}`);
    return EXIT.left;
  }
  return exitCodeOf(end.state);
}

type Show = (message: Message) => void;

function jsonLines(out: Output): Show {
  return (message) => out.value(message);
}

function plainLines(out: Output): Show {
  return (message) => {
    if (message.kind === 'event') out.line(eventLine(message.event));
  };
}

/** Events scroll by above; below them the targets, drawn anew with each change. */
function picture(out: Output): Show {
  const rollouts = new Map<string, StreamedRollout>();
  let drawn = 0;
  const draw = (above: string[]): void => {
    const below = [...rollouts.values()].flatMap((rollout) => rolloutLines(rollout, out.width));
    const erase = drawn === 0 ? '' : `\u001B[${drawn}A\u001B[J`;
    out.raw(erase + [...above, ...below].map((line) => `${line}\n`).join(''));
    drawn = below.length;
  };
  return (message) => {
    if (message.kind === 'rollout') rollouts.set(message.rollout.id, message.rollout);
    draw(message.kind === 'event' ? eventLine(message.event).split('\n') : []);
  };
}
