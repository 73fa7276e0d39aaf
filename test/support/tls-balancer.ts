/** What stands before an orchestrator and ends TLS with a certificate of its own, as a load balancer does. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import type { CertificateAndKey } from '../../src/orchestrator/security/issue.ts';

export interface TlsBalancer {
  /** 127.0.0.1. */
  port: number;
  certificate: CertificateAndKey;
  /** Where it passes on to, in the clear; asked for each connection. */
  target: () => number;
}

export async function startTlsBalancer({ port, certificate, target }: TlsBalancer): Promise<Disposable> {
  const { certificate: cert, key } = certificate;
  const server = createServer({ cert, key, ALPNProtocols: ['h2'] }, (outer) => {
    const inner = connect(target(), '127.0.0.1');
    outer.pipe(inner).pipe(outer);
    outer.on('error', () => inner.destroy());
    inner.on('error', () => outer.destroy());
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { [Symbol.dispose]: () => void server.close() };
}
