/** TLS at the agents' port: asks for a client certificate and lets callers in without, since who enrols has none. What is accepted may change while it serves. */

import { ServerCredentials } from '@grpc/grpc-js';
import type { CertificateAndKey } from '../security/issue.ts';

export interface HubTls {
  /** Presented to agents. */
  server: CertificateAndKey;
  /** PEM: by whom their certificates may be signed. */
  clientAuthorities: string;
}

export class HubCredentials extends ServerCredentials {
  constructor(tls: HubTls) {
    // A caller without a certificate of ours has no identity (identify.ts), and every call but Enrol needs one.
    super({ requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' }, contextOf(tls));
  }

  /** Of connections that are made from now on. */
  use(tls: HubTls): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ server, clientAuthorities }: HubTls): { cert: string; key: string; ca: string } {
  return { cert: server.certificate, key: server.key, ca: clientAuthorities };
}
