/** A real HTTP proxy that knows CONNECT, and names that only it can resolve. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface ConnectProxy extends AsyncDisposable {
  port: number;
  /** `host:port` of each CONNECT, in order. */
  asked: string[];
}

/** @param hosts name -> port on loopback. @param user `name:password` that it wants to see. */
export async function startConnectProxy(hosts: Record<string, number>, user?: string): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const server = createServer();
  server.on('connect', (request, socket: Socket) => {
    keep(socket);
    const target = request.url ?? '';
    asked.push(target);
    const wanted = user && `Basic ${Buffer.from(user).toString('base64')}`;
    if (wanted && request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const port = hosts[target.slice(0, target.lastIndexOf(':'))];
    if (port === undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const inner = keep(connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')));
    socket.pipe(inner).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
