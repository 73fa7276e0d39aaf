/** The way to the orchestrator as checks, hop by hop: what was found of each, up to the first that fails. Pure. */

import { fail, ok, showDate } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { judgeValidity } from '../../shared/judge-certificate.ts';
import { causeOf } from '../stream/cause.ts';
import type { Diagnosis, Expected } from '../stream/cause.ts';
import type { CertificateFacts, Findings } from '../stream/probe.ts';
import { isProxied, showProxy } from '../stream/proxy.ts';

const RENEW = 'The orchestrator renews its own certificate at a restart; one of your own you renew yourself.';
const WARN_BELOW_MS = 14 * 24 * 60 * 60 * 1000;

export function judgeConnection(findings: Findings, expected: Expected): Check[] {
  const { target } = expected;
  const diagnosis = causeOf(findings, expected);
  const failed = (id: string): Check => fail(id, id, diagnosis?.detail ?? 'no answer', diagnosis?.hint ?? '');
  const { dns, tcp, tunnel, tls, http2 } = findings;
  const checks: Check[] = [proxyCheck(findings, expected, failed)];
  checks.unshift(dns.failure ? failed('dns') : ok('dns', 'dns', showName(dns)));
  if (dns.failure || !tcp) return checks;
  if (tcp.open === undefined) return [...checks, failed('tcp')];
  checks.push(ok('tcp', 'tcp', `${tcp.open} takes connections`));
  if (tunnel && !isOpen(tunnel)) return checks;
  if (target.plaintext) checks.push(ok('tls', 'tls', 'none: asked for by name, on loopback'));
  else if (!tls?.certificate || isTlsFault(diagnosis)) return [...checks, failed('tls')];
  else checks.push(certificateCheck(tls.certificate, expected));
  if (!http2) return checks;
  if (diagnosis) return [...checks, failed('grpc')];
  return [...checks, ok('grpc', 'grpc', `${target.server} answers as a gRPC server`)];
}

/** A server that does not take our certificate says so after the handshake. */
function isTlsFault(diagnosis: Diagnosis | undefined): boolean {
  return diagnosis?.cause === 'tls';
}

function isOpen(tunnel: NonNullable<Findings['tunnel']>): boolean {
  return 'status' in tunnel && tunnel.status === 200;
}

function showName({ name, addresses }: Findings['dns']): string {
  return addresses.includes(name) ? `${name} is an address` : `${name} is ${addresses.join(', ')}`;
}

function proxyCheck({ tunnel }: Findings, { target }: Expected, failed: (id: string) => Check): Check {
  const { proxy, server } = target;
  if (!proxy) return ok('proxy', 'proxy', 'none is set');
  const { source } = proxy;
  if (!isProxied(proxy, server)) return ok('proxy', 'proxy', `${source} is set; ${server} is reached without it`);
  if (tunnel && !isOpen(tunnel)) return failed('proxy');
  return ok('proxy', 'proxy', `${server} is reached through ${showProxy(proxy)} (${source})`);
}

function certificateCheck(shown: CertificateFacts, { nowMs }: Expected): Check {
  const { subject, issuer, names, validToMs } = shown;
  const check = judgeValidity(shown, nowMs, {
    id: 'tls',
    title: 'tls',
    what: `the orchestrator's certificate ${subject}`,
    renew: RENEW,
    warnBelowMs: WARN_BELOW_MS,
  });
  if (check.state !== 'ok') return check;
  const detail = `trusted: ${subject} (${names || 'no names'}), issued by ${issuer}, valid until ${showDate(validToMs)}`;
  return { ...check, detail };
}
