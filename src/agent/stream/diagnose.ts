/** Says why there is no connection to the orchestrator, and what to do: goes the way itself, and names the first hop that fails. */

import { X509Certificate } from 'node:crypto';
import { causeOf } from './cause.ts';
import type { Diagnosis } from './cause.ts';
import { factsOf, probeConnection } from './probe.ts';
import type { CertificateFacts, ConnectionTarget } from './probe.ts';

/** A person waits for it, and so does the doctor. */
const PROBE_MS = 5000;

export interface DiagnoseOptions {
  /** Ends it early. */
  signal?: AbortSignal;
  /** Default: 5 s. */
  timeoutMs?: number;
  /** Milliseconds since the epoch, against which certificates are held. Default: the clock's. */
  nowMs?: number;
}

/**
 * Asks in order: DNS, TCP, the proxy (where there is one, its name and address first), TLS with both certificates, HTTP/2, gRPC.
 * Sends no token. What comes after that (credential, protocol version) only the orchestrator's own answer to Hello tells.
 * @returns undefined: a gRPC server answers at the end of the way. Never rejects.
 */
export async function diagnoseConnection(
  target: ConnectionTarget,
  { signal, timeoutMs = PROBE_MS, nowMs = Date.now() }: DiagnoseOptions = {},
): Promise<Diagnosis | undefined> {
  const limit = AbortSignal.timeout(timeoutMs);
  const findings = await probeConnection(target, signal ? AbortSignal.any([signal, limit]) : limit);
  return causeOf(findings, { target, own: ownFacts(target.certificate), nowMs });
}

function ownFacts(pem: string | undefined): CertificateFacts | undefined {
  try {
    return pem === undefined ? undefined : factsOf(new X509Certificate(pem));
  } catch {
    // What cannot be read was never shown to anybody: the handshake says so.
    return undefined;
  }
}
