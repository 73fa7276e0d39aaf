import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { causeOf } from '../../../src/agent/stream/cause.ts';
import type { Diagnosis, Expected } from '../../../src/agent/stream/cause.ts';
import { causeOfEnd, isWorthProbing } from '../../../src/agent/stream/end-cause.ts';
import type { Unwelcome } from '../../../src/agent/stream/end-cause.ts';
import type { CertificateFacts, Failure, Findings } from '../../../src/agent/stream/probe.ts';
import { readProxy } from '../../../src/agent/stream/proxy.ts';
import { repository } from '../../support/child.ts';

const NOW_MS = Date.UTC(2026, 10, 24);
const DAY_MS = 86_400_000;
const server = 'hub.example:8443';

const facts = (more: Partial<CertificateFacts> = {}): CertificateFacts => ({
  subject: 'CN=hub.example',
  issuer: 'CN=Sluice',
  names: 'DNS:hub.example',
  validFromMs: NOW_MS - 10 * DAY_MS,
  validToMs: NOW_MS + 10 * DAY_MS,
  ...more,
});

const failure = (code: string): Failure => ({ code, message: `it said ${code}` });
const dns = { name: 'hub.example', addresses: ['10.0.0.1'] };
const tcp = { tried: [{ address: '10.0.0.1:8443' }], open: '10.0.0.1:8443' };
const shut = (...codes: string[]) => ({
  tried: codes.map((code, at) => ({ address: `10.0.0.${at}:1`, failure: failure(code) })),
});
const tls = { certificate: facts() };

const direct = { server, plaintext: false, proxy: undefined, ca: 'PEM' };
const proxied = { ...direct, proxy: readProxy({ HTTPS_PROXY: 'http://me:planted@proxy.example:3128' }) };
const expected = (target: Expected['target'] = direct, own = facts({ subject: 'CN=north' })): Expected => ({
  target,
  own,
  nowMs: NOW_MS,
});

const seen = new Set<string>();
const note = (diagnosis: Diagnosis): string => {
  const { cause, code, detail, hint } = diagnosis;
  seen.add(`${cause} ${code}`);
  expect(detail).toMatch(/[.)]$/);
  expect(hint.length).toBeGreaterThan(10);
  expect(JSON.stringify(diagnosis)).not.toContain('planted');
  return `${cause} ${code}`;
};

const refused = (code: string): Unwelcome => ({ kind: 'refused', code, message: 'no.', retryAfterMs: 0 });
const lost = (code: string, message = 'no.'): Unwelcome => ({ kind: 'lost', code, message });

describe('the first hop that fails is the cause', () => {
  test.each<[string, Findings, Expected?]>([
    ['dns NOT_FOUND', { dns: { name: 'hub.example', addresses: [], failure: failure('ENOTFOUND') } }],
    ['dns DNS_FAILED', { dns: { name: 'hub.example', addresses: [], failure: failure('EAI_AGAIN') } }],
    ['dns DNS_FAILED', { dns: { name: 'hub.example', addresses: [], failure: failure('TIMEOUT') } }],
    ['tcp REFUSED', { dns, tcp: shut('ECONNREFUSED', 'ECONNREFUSED') }],
    ['tcp TIMEOUT', { dns, tcp: shut('ECONNREFUSED', 'TIMEOUT') }],
    ['tcp UNREACHABLE', { dns, tcp: shut('ENETUNREACH') }],
    [
      'proxy PROXY_NOT_FOUND',
      { dns: { name: 'proxy.example', addresses: [], failure: failure('ENOTFOUND') } },
      expected(proxied),
    ],
    [
      'proxy PROXY_DNS_FAILED',
      { dns: { name: 'proxy.example', addresses: [], failure: failure('EAI_AGAIN') } },
      expected(proxied),
    ],
    ['proxy PROXY_UNREACHABLE', { dns, tcp: shut('ECONNREFUSED') }, expected(proxied)],
    ['proxy PROXY_UNREACHABLE', { dns, tcp: shut('TIMEOUT') }, expected(proxied)],
    ['proxy PROXY_SILENT', { dns, tcp, tunnel: { failure: 'no answer in time' } }, expected(proxied)],
    [
      'proxy PROXY_AUTH',
      { dns, tcp, tunnel: { status: 407, reason: 'Proxy Authentication Required' } },
      expected(proxied),
    ],
    ['proxy PROXY_REFUSED', { dns, tcp, tunnel: { status: 403, reason: 'Forbidden' } }, expected(proxied)],
    ['tls SILENT', { dns, tcp, tls: { failure: failure('TIMEOUT') } }],
    ['tls CLOSED', { dns, tcp, tls: { failure: failure('ECONNRESET') } }],
    ['tls NO_TLS', { dns, tcp, tls: { failure: failure('ERR_SSL_WRONG_VERSION_NUMBER') } }],
    ['tls HANDSHAKE', { dns, tcp, tls: { failure: failure('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION') } }],
    ['tls CLIENT_REFUSED', { dns, tcp, tls: { failure: failure('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE') } }],
    ['tls EXPIRED', { dns, tcp, tls: { ...tls, distrust: 'CERT_HAS_EXPIRED' } }],
    ['tls NOT_YET_VALID', { dns, tcp, tls: { ...tls, distrust: 'CERT_NOT_YET_VALID' } }],
    ['tls WRONG_NAME', { dns, tcp, tls: { ...tls, distrust: 'ERR_TLS_CERT_ALTNAME_INVALID' } }],
    ['tls UNKNOWN_CA', { dns, tcp, tls: { ...tls, distrust: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } }],
    [
      'tls UNKNOWN_CA',
      { dns, tcp, tls: { ...tls, distrust: 'SELF_SIGNED_CERT_IN_CHAIN' } },
      expected({ ...direct, ca: undefined }),
    ],
    [
      'tls CLIENT_REFUSED',
      {
        dns,
        tcp,
        tls,
        http2: { settled: false, alpn: 'h2', failure: failure('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') },
      },
    ],
    ['tls CLIENT_REFUSED', { dns, tcp, tls, http2: { settled: false, alpn: 'h2', failure: failure('ECONNRESET') } }],
    [
      'tls CLIENT_EXPIRED',
      { dns, tcp, tls, http2: { settled: false, alpn: 'h2', failure: failure('CLOSED') } },
      expected(direct, facts({ validToMs: NOW_MS - DAY_MS })),
    ],
    ['http NO_HTTP2', { dns, tcp, tls, http2: { settled: false, alpn: false, failure: failure('ERR_HTTP2_ERROR') } }],
    ['http SILENT', { dns, tcp, tls, http2: { settled: false, alpn: 'h2', failure: failure('TIMEOUT') } }],
    [
      'http NO_GRPC',
      { dns, tcp, tls, http2: { settled: true, alpn: 'h2', answer: { status: 404, contentType: 'text/html' } } },
    ],
    ['http NO_GRPC', { dns, tcp, tls, http2: { settled: true, alpn: 'h2', failure: failure('TIMEOUT') } }],
  ])('%s', (named, findings, given = expected()) => {
    expect(note(causeOf(findings, given)!)).toBe(named);
  });

  test('where all answers as it should, there is none', () => {
    const answer = { status: 200, contentType: 'application/grpc+proto' };
    expect(causeOf({ dns, tcp, tls, http2: { settled: true, alpn: 'h2', answer } }, expected())).toBeUndefined();
  });
});

describe('what the orchestrator, or the agent itself, said is the cause', () => {
  test.each<[string, Unwelcome]>([
    ['auth UNAUTHENTICATED', lost('UNAUTHENTICATED')],
    ['auth UNAUTHENTICATED', refused('UNAUTHENTICATED')],
    ['auth PERMISSION_DENIED', lost('PERMISSION_DENIED')],
    ['version VERSION', refused('VERSION')],
    ['credential CREDENTIAL', lost('CREDENTIAL')],
    ['orchestrator NO_WELCOME', lost('NO_WELCOME')],
    ['orchestrator LIMIT', refused('LIMIT')],
    ['orchestrator RETRY', refused('RETRY')],
    ['orchestrator FENCED', refused('FENCED')],
    ['orchestrator STALE_EPOCH', lost('STALE_EPOCH')],
    ['http OTHER_SERVER', lost('UNIMPLEMENTED')],
  ])('%s', (named, end) => {
    expect(note(causeOfEnd(end))).toBe(named);
  });

  test('whatever else comes is the orchestrator, with its own words', () => {
    expect(causeOfEnd(lost('UNAVAILABLE', 'full.'))).toMatchObject({ cause: 'orchestrator', code: 'UNAVAILABLE' });
    expect(causeOfEnd(refused('A_LATER_CODE')).detail).toBe('no.');
  });

  test('the way is looked at where nobody answered, or something before the orchestrator did', () => {
    expect(isWorthProbing(lost('UNAVAILABLE'))).toBe(true);
    expect(isWorthProbing(lost('NO_WELCOME'))).toBe(true);
    expect(isWorthProbing(lost('UNAUTHENTICATED', 'Received HTTP status code 401'))).toBe(true);
    expect(isWorthProbing(lost('UNAUTHENTICATED', 'The credential of north is revoked.'))).toBe(false);
    expect(isWorthProbing(refused('RETRY'))).toBe(false);
  });
});

test('docs/logs.md lists just these causes', () => {
  const doc = readFileSync(join(repository, 'docs/logs.md'), 'utf8');
  const rows = [...doc.matchAll(/^\| (dns|tcp|proxy|tls|http|auth|version|credential|orchestrator) +\| `(\w+)` +\|/gm)];
  expect(rows.map(([, cause, code]) => `${cause} ${code}`).toSorted()).toEqual([...seen].toSorted());
});
