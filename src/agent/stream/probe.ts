/** Goes the way to the orchestrator once more, hop by hop, and notes what answers: grpc-js only says that there is no connection. */

import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { constants, connect as connectHttp2 } from 'node:http2';
import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2';
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { codeOf, messageOf } from '../../shared/errors.ts';
import { isProxied, openTunnel } from './proxy.ts';
import type { Proxy, Tunnel } from './proxy.ts';

export interface ConnectionTarget {
  /** host:port */
  server: string;
  /** The name the server's certificate is for, where it is not the host of the address. */
  serverName?: string | undefined;
  /** No TLS. */
  plaintext: boolean;
  proxy: Proxy | undefined;
  /** PEM. Absent: the system's CAs. */
  ca?: string | undefined;
  /** PEM, of the client. */
  certificate?: string | undefined;
  key?: string | undefined;
}

/** What went wrong at one hop; `TIMEOUT` where nothing came until the time was over. */
export interface Failure {
  code: string;
  message: string;
}

export interface CertificateFacts {
  subject: string;
  issuer: string;
  /** `DNS:localhost, IP Address:127.0.0.1`; empty if there are none. */
  names: string;
  validFromMs: number;
  validToMs: number;
}

/** One entry for each hop that was reached, in order; the last one is where it ended. */
export interface Findings {
  /** Of the proxy, where there is one. */
  dns: { name: string; addresses: readonly string[]; failure?: Failure };
  tcp?: { tried: readonly { address: string; failure?: Failure }[]; open?: string };
  tunnel?: Tunnel;
  tls?: {
    /** What the server showed. */
    certificate?: CertificateFacts;
    /** OpenSSL's word for why it is not trusted, such as CERT_HAS_EXPIRED; absent: it is. */
    distrust?: string;
    /** There was no handshake. */
    failure?: Failure;
  };
  http2?: {
    /** HTTP/2 was spoken. */
    settled: boolean;
    /** What was chosen in the TLS handshake, such as h2; false: nothing. */
    alpn?: string | false;
    /** To a call of a method that no hub has. */
    answer?: { status: number; contentType: string };
    failure?: Failure;
  };
}

/** A method that does not exist: gRPC says so at once, whoever asks, and no session and no refusal comes of it. */
const NO_METHOD = '/sluice.agent.v1.AgentHub/Diagnose';

/**
 * Sends no token and nothing of the agent's but its client certificate; closes what it opened.
 * @param signal ends it: the hop it is at then has the failure `TIMEOUT`.
 */
export async function probeConnection(target: ConnectionTarget, signal: AbortSignal): Promise<Findings> {
  const { server, proxy } = target;
  const hop = isProxied(proxy, server) ? proxyHop(proxy) : splitServer(server);
  const dns = await resolveName(hop.host, signal);
  if (dns.failure) return { dns };
  const { socket, ...tcp } = await dial(dns.addresses, hop.port, signal);
  if (!socket) return { dns, tcp };
  try {
    if (!isProxied(proxy, server)) return { dns, tcp, ...(await speak(socket, target, signal)) };
    const tunnel = await openTunnel(proxy, server, socket, signal);
    return {
      dns,
      tcp,
      tunnel,
      ...('status' in tunnel && tunnel.status === 200 && (await speak(socket, target, signal))),
    };
  } finally {
    socket.destroy();
  }
}

/** `host:port`, brackets of an IPv6 address taken off. */
function splitServer(server: string): { host: string; port: number } {
  const at = server.lastIndexOf(':');
  return { host: server.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(server.slice(at + 1)) };
}

export function factsOf(certificate: X509Certificate): CertificateFacts {
  const oneLine = (text: string): string => text.split('\n').join(', ');
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: certificate.subjectAltName ?? '',
    validFromMs: certificate.validFromDate.getTime(),
    validToMs: certificate.validToDate.getTime(),
  };
}

function proxyHop({ url }: Proxy): { host: string; port: number } {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
}

async function resolveName(name: string, signal: AbortSignal): Promise<Findings['dns']> {
  if (isIP(name)) return { name, addresses: [name] };
  try {
    // As grpc-js does it.
    const found = await orAborted(lookup(name, { all: true }), signal);
    return { name, addresses: found.map(({ address }) => address) };
  } catch (error) {
    return { name, addresses: [], failure: failureOf(error, signal) };
  }
}

/** All addresses at once; the first that answers is kept. */
async function dial(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<NonNullable<Findings['tcp']> & { socket?: Socket }> {
  const sockets = addresses.map((host) => connectTcp({ host, port }));
  const tried = addresses.map((host) => ({ address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` }));
  const failures: (Failure | undefined)[] = addresses.map(() => undefined);
  const attempts = sockets.map(async (socket, at) => {
    try {
      await event(socket, 'connect', signal);
      return at;
    } catch (error) {
      failures[at] = failureOf(error, signal);
      throw error;
    }
  });
  const first = await Promise.any(attempts).catch(() => undefined);
  for (const [at, socket] of sockets.entries()) if (at !== first) socket.destroy();
  const socket = first === undefined ? undefined : sockets[first];
  const open = first === undefined ? undefined : tried[first]?.address;
  return {
    tried: tried.map((each, at) => ({ ...each, ...(failures[at] && { failure: failures[at] }) })),
    ...(open !== undefined && { open }),
    ...(socket && { socket }),
  };
}

async function speak(
  socket: Socket,
  target: ConnectionTarget,
  signal: AbortSignal,
): Promise<Pick<Findings, 'tls' | 'http2'>> {
  if (target.plaintext) return { http2: await askHttp2(socket, signal) };
  const { host } = splitServer(target.server);
  const name = target.serverName ?? host;
  const secure = connectTls({
    socket,
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    ca: target.ca,
    cert: target.certificate,
    key: target.key,
    ALPNProtocols: ['h2'],
    // So that what is wrong with the certificate can be told; nothing is said to the server that matters.
    rejectUnauthorized: false,
  });
  try {
    await event(secure, 'secureConnect', signal);
    const certificate = secure.getPeerX509Certificate();
    const distrust = secure.authorized
      ? undefined
      : String(codeOf(secure.authorizationError) ?? secure.authorizationError);
    const tls = {
      ...(certificate && { certificate: factsOf(certificate) }),
      ...(distrust !== undefined && { distrust }),
    };
    // Whom the agent does not trust, it asks nothing.
    if (distrust !== undefined) return { tls };
    return { tls, http2: { alpn: secure.alpnProtocol ?? false, ...(await askHttp2(secure, signal)) } };
  } catch (error) {
    return { tls: { failure: failureOf(error, signal) } };
  } finally {
    secure.destroy();
  }
}

async function askHttp2(socket: Duplex, signal: AbortSignal): Promise<NonNullable<Findings['http2']>> {
  const session = connectHttp2('http://orchestrator', { createConnection: () => socket });
  // The socket's own word comes first, and says more than the session's.
  let failure: unknown;
  socket.once('error', (error) => (failure ??= error));
  session.on('error', (error) => (failure ??= error));
  let settled = false;
  try {
    await event(session, 'remoteSettings', signal);
    settled = true;
    const request = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: NO_METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    request.end();
    const headers = await event<IncomingHttpHeaders & IncomingHttpStatusHeader>(request, 'response', signal);
    const answer = { status: headers[':status'] ?? 0, contentType: headers['content-type'] ?? '' };
    return { settled, answer };
  } catch (error) {
    return { settled, failure: failureOf(failure ?? error, signal) };
  } finally {
    session.destroy();
  }
}

/** Once; rejects when an error comes first, or the end, or `signal` aborts. */
function event<T>(source: NodeJS.EventEmitter, name: string, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  source.once(name, resolve);
  // For good: what comes after the first one must not end the process.
  source.on('error', reject);
  source.once('close', () => reject(Object.assign(new Error('the connection was closed'), { code: 'CLOSED' })));
  return orAborted(promise, signal);
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => {
    signal.removeEventListener('abort', abort);
    // Whichever comes second is nobody's.
    promise.catch(() => undefined);
    aborted.catch(() => undefined);
  });
}

function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted && error === signal.reason) return { code: 'TIMEOUT', message: 'no answer in time' };
  return { code: codeOf(error) ?? 'UNKNOWN', message: messageOf(error) };
}
