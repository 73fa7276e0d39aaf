/** Reads the first message of a stream, and leaves the rest of it unread for the session. */

import { once } from 'node:events';
import type { AgentMessage__Output } from '../../protocol/gen/sluice/agent/v1/AgentMessage.ts';
import type { Hello__Output } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import type { HubStream } from '../../protocol/service.ts';

/** @returns undefined if the first message is another, or none came in time, or the stream ended first. */
export async function firstHello(stream: HubStream, timeoutMs: number): Promise<Hello__Output | undefined> {
  const gone = new AbortController();
  const giveUp = (): void => gone.abort();
  stream.once('cancelled', giveUp).once('end', giveUp);
  try {
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(timeoutMs)]);
    const [message] = (await once(stream, 'data', { signal })) as [AgentMessage__Output];
    return message.hello ?? undefined;
  } catch {
    return undefined;
  } finally {
    stream.pause();
    stream.off('cancelled', giveUp).off('end', giveUp);
  }
}
