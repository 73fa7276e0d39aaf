/** Shows a deployment until it is over: a picture in a terminal, lines elsewhere, JSON where asked for. */

import type { CommandContext } from './context.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { follow, type Message, type StreamedRollout } from './follow.ts';
import type { Output } from './output.ts';
import { eventLine, harmless, rolloutLines } from './progress.ts';
import { StallWatch } from './stall-watch.ts';

export interface WatchOptions {
  /** The orchestrator answered just before. */
  isKnown?: boolean;
  /** Default: where nobody is there to put it right, which is where `CI` is set. */
  exitWhenStalled?: boolean | undefined;
}

/**
 * @returns the exit code of its outcome; EXIT.stalled when it is stalled and nobody is waiting for a person; EXIT.left when
 * the person left it (the deployment goes on in both cases).
 */
export async function watchDeployment(
  context: CommandContext,
  id: string,
  { isKnown = false, exitWhenStalled = isTrue(context.environment['CI']) }: WatchOptions = {},
): Promise<number> {
  const { api, out, signal } = context;
  const screen = out.json ? jsonLines(out) : out.isTerminal ? picture(out) : plainLines(out);
  const stalled = new StallWatch(context, (text) => screen.note(text), id, exitWhenStalled);
  const onMessage = (message: Message): void => {
    screen.show(message);
    if (message.kind === 'rollout') stalled.see(message.rollout);
  };
  const onLost = (): void => {
    if (!out.isTerminal) out.note('The orchestrator does not answer; trying again. The deployment goes on by itself.');
  };
  try {
    const end = await follow(api, id, { onMessage, onLost, isKnown }, AbortSignal.any([signal, stalled.leave]));
    if (end !== undefined) return exitCodeOf(end.state);
  } finally {
    stalled.stop();
  }
  if (stalled.leave.aborted) {
    out.note(`Deployment ${id} is stalled and not over. It goes on once that is put right: sluice watch ${id}`);
    return EXIT.stalled;
  }
  out.note(`\nNo longer watching. Deployment ${id} goes on: sluice watch ${id}, or stop it with: sluice abort ${id}`);
  return EXIT.left;
}

/** `CI=false` is said too. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}

interface Screen {
  show(message: Message): void;
  /** For people, beside what is shown. */
  note(text: string): void;
}

function jsonLines(out: Output): Screen {
  return { show: (message) => out.value(message), note: (text) => out.note(text) };
}

function plainLines(out: Output): Screen {
  return {
    show: (message) => {
      if (message.kind === 'event') out.line(eventLine(message.event));
    },
    note: (text) => out.note(text),
  };
}

/** Events scroll by above; below them the targets, drawn anew with each change. */
function picture(out: Output): Screen {
  const rollouts = new Map<string, StreamedRollout>();
  let drawn = 0;
  const draw = (above: string[]): void => {
    const below = [...rollouts.values()].flatMap((rollout) => rolloutLines(rollout, out.width));
    const erase = drawn === 0 ? '' : `\u001B[${drawn}A\u001B[J`;
    out.raw(erase + [...above, ...below].map((line) => `${line}\n`).join(''));
    drawn = below.length;
  };
  return {
    show: (message) => {
      if (message.kind === 'rollout') rollouts.set(message.rollout.id, message.rollout);
      draw(message.kind === 'event' ? eventLine(message.event).split('\n') : []);
    },
    note: (text) => draw(text.split('\n').map(harmless)),
  };
}
