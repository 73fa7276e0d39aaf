/** Whether what listens at the API's address is an orchestrator. */

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

const LIMIT_MS = 3_000;

/** Asks only whether it lives, and sends no token, so its certificate need not be for this name. */
export async function isOrchestrator(hostAndPort: string, tls: boolean): Promise<boolean> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const url = `${tls ? 'https' : 'http'}://${hostAndPort}/livez`;
  const asked = tls ? httpsRequest(url, { signal, rejectUnauthorized: false }) : httpRequest(url, { signal });
  try {
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer.statusCode === 200 && (await text(answer)) === '{"status":"ok"}';
  } catch {
    return false;
  } finally {
    asked.destroy();
  }
}
