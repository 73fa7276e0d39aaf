/** The answer to a watch, line by line: one JSON event each. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { KubeError, answerError, transportError } from './kube-error.ts';

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: KubeObject;
}

/**
 * Events in the order they arrive, until `signal` aborts; ends when the server ends the watch (its timeout).
 * @throws KubeError: the connection broke, or the server said so in an ERROR event (410: the version is too old).
 */
export async function* readWatchEvents(
  body: AsyncIterable<Buffer>,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield parseEvent(line, what);
    }
  } catch (error) {
    // Node tells of an answer that was broken off as of a connection reset, whoever did it.
    throw error instanceof KubeError ? error : transportError(`watch ${what}`, signal.aborted ? signal.reason : error);
  }
}

function parseEvent(line: string, what: string): WatchEvent {
  const event = JSON.parse(line) as { type: string; object: unknown };
  if (event.type === 'ERROR') {
    const status = event.object as { code?: number };
    throw answerError(`watch ${what}`, status.code ?? 500, JSON.stringify(status));
  }
  return event as WatchEvent;
}
