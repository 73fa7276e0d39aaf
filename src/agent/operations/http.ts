/** A request from inside the cluster to where the policy lets it go: a webhook, a query. */

import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { SluiceError, codeOf, messageOf } from '../../shared/errors.ts';
import type { HttpSpec, ResultValue } from '../../protocol/operation.ts';
import type { OperationContext } from './context.ts';
import { checkUrl, policyError } from './policy.ts';

const MAX_BYTES = 64 * 1024;
/** Whatever is asked for, the answer goes over the link. */
const CEILING_BYTES = 4 * 1024 * 1024;
const CEILING_MS = 120_000;
/** The transport's own business, or a way around the allow-list. */
const FORBIDDEN_HEADERS = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te']);

const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Where no name may lead: cloud metadata and the node's own link; an allowed URL that says the address itself is no way in either. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addSubnet('fd00:ec2::', 32, 'ipv6');
// The first by way of NAT64; as an IPv4 address within IPv6 (::ffff:0:0/96) it is known by itself.
LINK_LOCAL.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
/** The agent's own machine: only where the allow-list names the address, not by a name that somebody else can point there. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addSubnet('0.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addAddress('::', 'ipv6');

/** @throws SluiceError POLICY, INVALID, TIMEOUT, TOO_LARGE, UNAVAILABLE. A status of 400 or above is an answer, not an error. */
export async function http(context: OperationContext, spec: HttpSpec): Promise<ResultValue['http']> {
  const url = checkUrl(spec.url, context.policy);
  refuseAddress(url.hostname, true);
  for (const name of Object.keys(spec.headers)) {
    if (FORBIDDEN_HEADERS.has(name.toLowerCase())) {
      throw new SluiceError('INVALID', `The header ${name} of a request cannot be set. Leave it out.`);
    }
  }
  refuseTwice(context, spec);
  const timeoutMs = Math.min(spec.timeoutMs, CEILING_MS);
  const what = `${spec.method} ${url.origin}${url.pathname}`;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout]);
  try {
    const answer = await send(url, spec, context, signal);
    const body = await readBody(answer, Math.min(spec.maxBytes ?? MAX_BYTES, CEILING_BYTES), what);
    return { status: answer.statusCode ?? 0, headers: headersOf(answer), body };
  } catch (error) {
    if (timeout.aborted) {
      throw new SluiceError('TIMEOUT', `${what} was not answered within ${timeoutMs} ms.`, { cause: error });
    }
    throw asResult(error, what, context.signal);
  }
}

/** No mark tells afterwards whether a request was received, so one that may have been is not made again, unless that changes nothing. */
function refuseTwice({ history, operation }: OperationContext, { method, url }: HttpSpec): void {
  if (history === 'first' || REPEATABLE.has(method.toUpperCase())) return;
  throw new SluiceError(
    'PRECONDITION',
    `${method} ${url} was asked for before (${operation.id}), and its agent went before it said how it ended. It may have been received, and is not sent twice.`,
  );
}

async function send(
  url: URL,
  spec: HttpSpec,
  { operation, permit }: OperationContext,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions = {
    method: spec.method,
    // The key lets a receiver know a deed again, whoever asks for it twice.
    headers: { 'user-agent': 'sluice-agent', 'idempotency-key': operation.id, ...spec.headers },
    signal,
    // One request, one connection: what it was allowed to reach is not what the next may.
    agent: false,
    lookup: lookUpAllowed,
  };
  permit();
  // Redirects are not followed: the answer says where to, and the file is to say it instead.
  const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
  request.end(spec.body);
  const [answer] = (await once(request, 'response', { signal })) as [IncomingMessage];
  return answer;
}

/** Judges the address that is dialled, not one that was looked up before: a name may answer differently the second time. */
const lookUpAllowed: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    try {
      if (error) throw error;
      for (const { address } of addresses) refuseAddress(address, false);
    } catch (refusal) {
      done(refusal as NodeJS.ErrnoException, []);
      return;
    }
    if (options.all) done(null, addresses);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
  });
};

/** @param isLiteral it stands in the URL, and so in the allow-list. @throws SluiceError POLICY */
function refuseAddress(host: string, isLiteral: boolean): void {
  const address = host.replace(/^\[|\]$/g, '');
  const family = isIP(address);
  if (family === 0) return;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  if (LINK_LOCAL.check(address, kind)) throw policyError(`${address} is a link-local address`, 'http');
  if (!isLiteral && LOOPBACK.check(address, kind)) {
    throw policyError(`the name leads to the agent's own address ${address}`, 'http');
  }
}

async function readBody(answer: IncomingMessage, maxBytes: number, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new SluiceError('TOO_LARGE', `The answer to ${what} has more than ${maxBytes} bytes. Have it say less.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function headersOf(answer: IncomingMessage): Record<string, string> {
  const entries = Object.entries(answer.headers).filter(([name]) => name !== 'set-cookie');
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function asResult(error: unknown, what: string, stopped: AbortSignal): unknown {
  if (error instanceof SluiceError) return error;
  const cause = error instanceof Error && error.cause instanceof SluiceError ? error.cause : undefined;
  if (cause) return cause;
  if (stopped.aborted) {
    return new SluiceError('CANCELLED', `Stopped while waiting for ${what}; it may have been received.`, {
      cause: error,
    });
  }
  const hint = codeOf(error) === 'ENOTFOUND' ? ' The name is not known in the cluster.' : '';
  return new SluiceError('UNAVAILABLE', `${what} failed: ${messageOf(error)}.${hint}`, { cause: error });
}
