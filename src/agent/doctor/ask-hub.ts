/** Asks the orchestrator whether it would take this agent; no session begins, and that of a running agent goes on. */

import { Metadata, status } from '@grpc/grpc-js';
import type { Hello } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import type { AgentHubClient } from '../../protocol/service.ts';
import type { HubAnswer } from './judge-hub.ts';

const LIMIT_MS = 10_000;

/** Never rejects: what went wrong is an answer too. */
export async function askHub(
  client: AgentHubClient,
  token: string | undefined,
  hello: Hello,
  now: () => number,
): Promise<HubAnswer> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const sentMs = now();
  const { promise, resolve } = Promise.withResolvers<HubAnswer>();
  client.Check(hello, metadata, { deadline: Date.now() + LIMIT_MS }, (error, reply) => {
    if (reply) resolve({ ...reply, sentMs, receivedMs: now() });
    else resolve({ code: error?.code ?? status.UNKNOWN, details: error?.details ?? 'no reply' });
  });
  return promise;
}
