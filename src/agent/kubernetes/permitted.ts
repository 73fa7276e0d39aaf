/** The last moment before a write: its bytes go to an open socket only if it is still permitted then. */

import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Ends the request once its connection stands, asking `permit` in the same turn of the event loop as the write: a process that
 * was stopped while it connected must not do late what it was to do in time.
 * @param permit throws where the deed must not be done any more; the request then fails with that error, nothing sent.
 * @param signal until the bytes go out, aborting it ends the request; after that nothing tears it.
 */
export function endIfPermitted(
  request: ClientRequest,
  body: Buffer | undefined,
  permit: () => void,
  signal: AbortSignal | undefined,
): void {
  const stop = (): void => void request.destroy(signal?.reason as Error);
  const go = (): void => {
    signal?.removeEventListener('abort', stop);
    try {
      permit();
    } catch (error) {
      request.destroy(error as Error);
      return;
    }
    request.end(body);
  };
  signal?.addEventListener('abort', stop, { once: true });
  request.once('close', () => signal?.removeEventListener('abort', stop));
  request.once('socket', (socket: Socket) => {
    if (isOpen(socket)) go();
    else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', go);
  });
}

/** `reusedSocket` does not tell: a request that waited for a free connection gets one that stands, and is not marked so. */
function isOpen(socket: Socket): boolean {
  // Null until the handshake is done.
  return !socket.connecting && (!(socket instanceof TLSSocket) || socket.alpnProtocol !== null);
}
