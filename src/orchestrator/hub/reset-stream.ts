/** Ends a stream whose agent takes nothing more. */

import { constants } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import type { HubStream } from '../../protocol/service.ts';

/**
 * Lets go of the stream at once, with everything it holds. An orderly end waits behind the data that was written, and so for
 * ever if the agent reads none of it while its connection lives: grpc-js itself has no other (1.14.7, server-call.js).
 */
export function resetStream(stream: HubStream): void {
  // The call under the stream is private; where a later grpc-js has another one, the connection's own end is waited for.
  const { call } = stream as unknown as { call?: { stream?: Partial<ServerHttp2Stream> } };
  call?.stream?.close?.(constants.NGHTTP2_CANCEL);
}
