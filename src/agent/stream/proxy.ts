/** Whether the way to the orchestrator goes through an HTTP proxy (CONNECT), from the variables everybody sets. Pure, but for `openTunnel`. */

import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { SluiceError, messageOf } from '../../shared/errors.ts';

export interface Proxy {
  /** `http://user:password@host:port` */
  url: URL;
  /** Which variable said so. */
  source: string;
  /** Addresses that are reached without it. */
  except: readonly Exception[];
}

/** One entry of NO_PROXY, cleaned. */
type Exception = { port?: number } & (
  | { kind: 'all' }
  /** The host itself, and, unless `onlyBelow`, what ends in `.host`. */
  | { kind: 'domain'; domain: string; onlyBelow: boolean }
  | { kind: 'network'; address: string; prefix: number }
);

type Environment = Readonly<Record<string, string | undefined>>;

const PROXY_NAMES = ['grpc_proxy', 'https_proxy', 'all_proxy'];
const EXCEPTION_NAMES = ['no_grpc_proxy', 'no_proxy'];

/**
 * Reads `GRPC_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` in any case; of two spellings the lower-case one counts, as
 * with curl. `HTTP_PROXY` is for requests without TLS and is not looked at.
 * @returns undefined: no proxy is set.
 * @throws SluiceError CONFIG where a setting cannot be used: going there directly instead would be a silent hole.
 */
export function readProxy(environment: Environment): Proxy | undefined {
  const found = firstSet(environment, PROXY_NAMES);
  if (found === undefined) return undefined;
  const except = firstSet(environment, EXCEPTION_NAMES);
  return {
    url: proxyUrl(found.name, found.value),
    source: found.name,
    except: except === undefined ? [] : except.value.split(/[\s,]+/).flatMap((entry) => exception(except.name, entry)),
  };
}

/** Whether a `host:port` is reached through the proxy. Loopback never is. */
export function isProxied(proxy: Proxy | undefined, server: string): proxy is Proxy {
  if (proxy === undefined) return false;
  const at = server.lastIndexOf(':');
  const host = server
    .slice(0, at)
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  const port = Number(server.slice(at + 1));
  if (host === 'localhost' || inNetwork(host, '127.0.0.0', 8) || host === '::1') return false;
  return !proxy.except.some((each) => (each.port === undefined || each.port === port) && names(each, host));
}

/** For logs: without user and password. */
export function showProxy({ url }: Proxy): string {
  return url.host;
}

/**
 * Variables for grpc-js, which reads lower-case ones only, goes there directly when it does not like what it reads, and takes a
 * trailing comma in `no_proxy` for everything: it gets the one proxy and no exceptions, and is told for each channel whether
 * to use it (`grpc.enable_http_proxy`).
 */
export function grpcEnvironment(proxy: Proxy | undefined): Record<string, string> {
  const none = { no_grpc_proxy: '', no_proxy: '', https_proxy: '', http_proxy: '' };
  return { ...none, grpc_proxy: proxy?.url.href ?? '' };
}

/** What a proxy answered to CONNECT; `failure`: it did not. */
export type Tunnel = { status: number; reason: string } | { failure: string };

/**
 * Asks a proxy for the way to `server` on a connection to it. With status 200 the socket then leads there.
 * @param signal ends the wait; the answer is then a failure.
 */
export async function openTunnel(proxy: Proxy, server: string, socket: Socket, signal: AbortSignal): Promise<Tunnel> {
  const { username, password } = proxy.url;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const asked = request({
    createConnection: () => socket,
    method: 'CONNECT',
    path: server,
    headers: { host: server, ...(username && { 'proxy-authorization': `Basic ${credentials}` }) },
  });
  try {
    asked.on('error', () => undefined);
    asked.end();
    // Whatever the status is, an answer to CONNECT comes as this event.
    const [answer] = (await once(asked, 'connect', { signal })) as [IncomingMessage];
    const { statusCode = 0, statusMessage = '' } = answer;
    return { status: statusCode, reason: statusMessage };
  } catch (error) {
    return { failure: signal.aborted ? 'no answer in time' : messageOf(error) };
  }
}

function firstSet(environment: Environment, names: readonly string[]): { name: string; value: string } | undefined {
  for (const name of names) {
    const spellings = Object.keys(environment).filter((each) => each.toLowerCase() === name);
    // Lower case first: it sorts after upper case.
    for (const spelling of spellings.toSorted().toReversed()) {
      const value = environment[spelling]?.trim();
      if (value) return { name: spelling, value };
    }
  }
  return undefined;
}

function proxyUrl(name: string, value: string): URL {
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.parse(text);
  if (url === null || url.hostname === '') throw unusable(name, 'it is no URL such as http://proxy.example:3128');
  if (url.protocol !== 'http:') {
    throw unusable(
      name,
      `a proxy is spoken to over http://, not ${url.protocol}// (the session inside has its own TLS)`,
    );
  }
  if (url.pathname !== '/' || url.search !== '') throw unusable(name, 'a proxy has no path: give http://host:port');
  return url;
}

/** Never the value: it may hold a password. */
function unusable(name: string, why: string): SluiceError {
  return new SluiceError('CONFIG', `${name} cannot be used: ${why}. Correct it, or take it away to connect directly.`, {
    disposition: 'stalled',
  });
}

function exception(name: string, entry: string): Exception[] {
  if (entry === '') return [];
  if (entry === '*') return [{ kind: 'all' }];
  const [, address = '', prefix] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (prefix !== undefined && isIP(address) && Number(prefix) <= (isIP(address) === 4 ? 32 : 128)) {
    return [{ kind: 'network', address, prefix: Number(prefix) }];
  }
  if (entry.includes('/')) throw unusable(name, `${entry} is neither a host nor a network such as 10.0.0.0/8`);
  const bare = entry.replace(/^\[|\]$/g, '');
  if (isIP(bare)) return [{ kind: 'network', address: bare, prefix: isIP(bare) === 4 ? 32 : 128 }];
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const domain = host.replace(/^\*?\./, '').toLowerCase();
  if (!/^\[?[a-z0-9._:-]+\]?$/.test(domain)) throw unusable(name, `${entry} is no host`);
  const at = port === undefined ? {} : { port: Number(port) };
  const literal = domain.replace(/^\[|\]$/g, '');
  if (isIP(literal)) return [{ ...at, kind: 'network', address: literal, prefix: isIP(literal) === 4 ? 32 : 128 }];
  return [{ ...at, kind: 'domain', domain, onlyBelow: /^\*?\./.test(host) }];
}

function names(each: Exception, host: string): boolean {
  switch (each.kind) {
    case 'all':
      return true;
    case 'domain':
      return (host === each.domain && !each.onlyBelow) || host.endsWith(`.${each.domain}`);
    case 'network':
      return inNetwork(host, each.address, each.prefix);
  }
}

function inNetwork(host: string, address: string, prefix: number): boolean {
  const family = isIP(host);
  if (family === 0 || family !== isIP(address)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefix, kind);
  return list.check(host, kind);
}
