/** Names the cause of a connection that did not come about, from what was found on the way, and what a person can do. Pure. */

import type { CertificateFacts, ConnectionTarget, Failure, Findings } from './probe.ts';
import { isProxied, showProxy } from './proxy.ts';

/** Closed: it is a field of the log, of `/status` and of `sluice doctor`. */
type Cause = 'dns' | 'tcp' | 'proxy' | 'tls' | 'http' | 'auth' | 'version' | 'credential' | 'orchestrator';

export interface Diagnosis {
  cause: Cause;
  /** The fault within the cause, such as EXPIRED; stable. */
  code: string;
  /** What happened, to what. */
  detail: string;
  /** What to do. */
  hint: string;
}

/** What `causeOf` compares with what was found. */
export interface Expected {
  target: Pick<ConnectionTarget, 'server' | 'serverName' | 'plaintext' | 'proxy' | 'ca'>;
  /** The agent's own certificate, if it has one. */
  own: CertificateFacts | undefined;
  nowMs: number;
}

/** @returns undefined: all answered as an orchestrator does. */
export function causeOf(findings: Findings, expected: Expected): Diagnosis | undefined {
  const { dns, tcp, tunnel, tls, http2 } = findings;
  if (dns.failure) return nameCause(dns.name, dns.failure, expected);
  if (tcp && tcp.open === undefined) return dialCause(tcp.tried, expected);
  if (tunnel && !('status' in tunnel && tunnel.status === 200)) return tunnelCause(tunnel, expected);
  if (tls?.failure) return handshakeCause(tls.failure, expected);
  if (tls?.distrust !== undefined) return distrustCause(tls.distrust, tls.certificate, expected);
  return http2 && answerCause(http2, expected);
}

function nameCause(name: string, { code, message }: Failure, { target }: Expected): Diagnosis {
  const proxy = isProxied(target.proxy, target.server);
  const where = proxy ? `the proxy's name (${target.proxy?.source})` : 'the name';
  const cause = proxy ? 'proxy' : 'dns';
  if (code === 'ENOTFOUND') {
    return {
      cause,
      code: proxy ? 'PROXY_NOT_FOUND' : 'NOT_FOUND',
      detail: `No DNS server knows the name ${name} (${message}).`,
      hint: `Correct ${where}, or add it to the DNS that the agent's pod asks. A short name works in its own cluster only.`,
    };
  }
  return {
    cause,
    code: proxy ? 'PROXY_DNS_FAILED' : 'DNS_FAILED',
    detail: `The DNS gives no answer about ${name} (${code}: ${message}).`,
    hint: "Look whether the cluster's DNS (CoreDNS) runs, and whether a NetworkPolicy lets the agent reach it at port 53, UDP and TCP.",
  };
}

function dialCause(tried: NonNullable<Findings['tcp']>['tried'], { target }: Expected): Diagnosis {
  const proxy = isProxied(target.proxy, target.server);
  const what = proxy ? `The proxy ${shown(target)}` : target.server;
  const each = tried.map(({ address, failure }) => `${address} ${dialWord(failure)}`).toSorted();
  const codes = tried.map(({ failure }) => failure?.code ?? '');
  // Where the address is a number, once is enough.
  const isSame = tried.length === 1 && tried[0]?.address === what;
  const detail = isSame ? `${each.join('')}.` : `${what} cannot be reached: ${each.join(', ')}.`;
  if (codes.every((code) => code === 'ECONNREFUSED')) {
    return {
      cause: proxy ? 'proxy' : 'tcp',
      code: proxy ? 'PROXY_UNREACHABLE' : 'REFUSED',
      detail,
      hint: proxy
        ? 'Look whether the proxy runs and whether its port is right.'
        : 'The machine is there and nothing listens: look whether the orchestrator runs and whether the port is the one for agents (SLUICE_AGENT_ADDRESS).',
    };
  }
  return {
    cause: proxy ? 'proxy' : 'tcp',
    code: proxy ? 'PROXY_UNREACHABLE' : codes.includes('TIMEOUT') ? 'TIMEOUT' : 'UNREACHABLE',
    detail,
    hint: `Something on the way drops it: look at NetworkPolicies, firewalls and routes from the agent's pod to ${proxy ? 'the proxy' : 'that address'}${target.proxy || proxy ? '' : ', or set HTTPS_PROXY if the way out is a proxy'}.`,
  };
}

function dialWord(failure: Failure | undefined): string {
  const code = failure?.code ?? 'unknown';
  if (code === 'ECONNREFUSED') return 'refuses the connection';
  return code === 'TIMEOUT' || code === 'ETIMEDOUT' ? 'does not answer' : `fails (${code})`;
}

function tunnelCause(tunnel: NonNullable<Findings['tunnel']>, { target }: Expected): Diagnosis {
  const via = `the proxy ${shown(target)} (${target.proxy?.source})`;
  const { server } = target;
  if ('failure' in tunnel) {
    return {
      cause: 'proxy',
      code: 'PROXY_SILENT',
      detail: `No way to ${server}: ${via} did not answer CONNECT: ${tunnel.failure}.`,
      hint: 'Look whether it is an HTTP proxy that knows CONNECT, and whether its port is right.',
    };
  }
  if (tunnel.status === 407) {
    return {
      cause: 'proxy',
      code: 'PROXY_AUTH',
      detail: `No way to ${server}: ${via} wants a user and a password, or others (407).`,
      hint: 'Put user and password into its URL, before the host: USER:PASSWORD@HOST:PORT.',
    };
  }
  return {
    cause: 'proxy',
    code: 'PROXY_REFUSED',
    detail: `No way to ${server}: ${via} refuses the way to ${server}: ${tunnel.status} ${tunnel.reason}.`,
    hint: `Allow CONNECT to ${server} in the proxy, or name its host in NO_PROXY to go there directly.`,
  };
}

/** The alerts with which a server turns a client's certificate away. */
const CLIENT_REFUSED = /ALERT_(BAD_|UNSUPPORTED_|NO_)?CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_ACCESS_DENIED|ALERT_DECRYPT/;

function handshakeCause(failure: Failure, expected: Expected): Diagnosis {
  const { server } = expected.target;
  const { code, message } = failure;
  if (CLIENT_REFUSED.test(code)) return clientRefused(`it said ${code.replace(/^ERR_SSL_/, '')}`, expected);
  const cause = 'tls';
  if (code === 'TIMEOUT') {
    return {
      cause,
      code: 'SILENT',
      detail: `${server} takes the connection and does not answer the TLS handshake.`,
      hint: 'Something between holds connections open, such as a firewall or a load balancer without a healthy backend; or the orchestrator hangs.',
    };
  }
  if (/WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG/.test(code)) {
    return {
      cause,
      code: 'NO_TLS',
      detail: `${server} does not speak TLS: it answers in the clear, as an HTTP server does.`,
      hint: "Correct the address: it is the port for agents, not the API's; or make what stands before the orchestrator speak TLS.",
    };
  }
  if (code === 'CLOSED' || code === 'ECONNRESET' || code === 'EPIPE') {
    return {
      cause,
      code: 'CLOSED',
      detail: `${server} closes the connection in the TLS handshake (${message}).`,
      hint: 'A load balancer without a healthy backend does so, or a firewall that allows no such name or no TLS; or the port is not the one for agents.',
    };
  }
  return {
    cause,
    code: 'HANDSHAKE',
    detail: `The TLS handshake with ${server} fails (${code}: ${message}).`,
    hint: 'TLS 1.2 or 1.3 must be allowed on the whole way. If the code names our own certificate or key, make a new credential: sluice agents add NAME.',
  };
}

function distrustCause(word: string, shownOne: CertificateFacts | undefined, expected: Expected): Diagnosis {
  const { target, nowMs } = expected;
  const what = `${target.server} shows the certificate ${shownOne ? describe(shownOne) : '(none)'}`;
  const asked = target.serverName ?? target.server.slice(0, target.server.lastIndexOf(':'));
  const now = new Date(nowMs).toISOString();
  const cause = 'tls';
  switch (word) {
    case 'CERT_HAS_EXPIRED':
      return {
        cause,
        code: 'EXPIRED',
        detail: `${what}: ${shownOne && shownOne.validToMs > nowMs ? 'one of its chain' : 'it'} is expired (the clock here says ${now}).`,
        hint: 'Renew it. The orchestrator renews its own at a restart; yours is where SLUICE_AGENT_ADDRESS or the load balancer has it from. If it looks valid, the clock here is wrong.',
      };
    case 'CERT_NOT_YET_VALID':
      return {
        cause,
        code: 'NOT_YET_VALID',
        detail: `${what}: it is not valid yet (the clock here says ${now}).`,
        hint: "The node's clock is behind: set it (NTP). If it is right, the certificate was made by a machine whose clock is ahead.",
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        cause,
        code: 'WRONG_NAME',
        detail: `${what}: it is not for ${asked}, only for ${shownOne?.names || 'no name at all'}.`,
        hint: `Let the orchestrator's certificate have that name (SLUICE_AGENT_PUBLIC_ADDRESS), or set SLUICE_SERVER_NAME to one that it has.`,
      };
    default:
      return {
        cause,
        code: 'UNKNOWN_CA',
        detail: `${what}: it was not signed by ${target.ca === undefined ? 'any CA that this system knows' : "the CA in the agent's credential"} (${word}).`,
        hint: 'If the orchestrator has a new CA, make a new credential: sluice agents add NAME. If the issuer is not the orchestrator at all, the address leads elsewhere, or something on the way opens TLS: let it pass, or give its CA.',
      };
  }
}

function answerCause(http2: NonNullable<Findings['http2']>, expected: Expected): Diagnosis | undefined {
  const { server, plaintext } = expected.target;
  const { settled, alpn, answer, failure } = http2;
  if (failure && CLIENT_REFUSED.test(failure.code)) {
    return clientRefused(`it said ${failure.code.replace(/^ERR_SSL_/, '')}`, expected);
  }
  // An orchestrator closes at once on a certificate that it does not take; one without HTTP/2 says so in the handshake.
  if (!settled && !plaintext && alpn === 'h2' && failure?.code !== 'TIMEOUT') {
    return clientRefused('it closed the connection right after the handshake', expected);
  }
  const hint =
    'Correct the address: it is the port for agents. An Ingress or a load balancer must be told that its backend speaks gRPC (HTTP/2), or pass TLS through.';
  if (!settled) {
    return {
      cause: 'http',
      code: failure?.code === 'TIMEOUT' ? 'SILENT' : 'NO_HTTP2',
      detail: `${server} does not speak HTTP/2${failure ? ` (${failure.code}: ${failure.message})` : ''}${plaintext ? '; it may want TLS' : ''}.`,
      hint,
    };
  }
  if (answer?.contentType.startsWith('application/grpc')) return undefined;
  const said = answer ? `${answer.status} ${answer.contentType}`.trim() : `nothing (${failure?.message ?? 'closed'})`;
  return {
    cause: 'http',
    code: 'NO_GRPC',
    detail: `${server} speaks HTTP/2 and no gRPC: it answered ${said}.`,
    hint,
  };
}

function clientRefused(how: string, { target, own, nowMs }: Expected): Diagnosis {
  const cause = 'tls';
  if (!own) {
    return {
      cause,
      code: 'CLIENT_REFUSED',
      detail: `${target.server} wants a client certificate: ${how}. The agent has none.`,
      hint: 'Make a credential with a certificate: sluice agents add NAME.',
    };
  }
  const isOver = own.validToMs < nowMs;
  return {
    cause,
    code: isOver ? 'CLIENT_EXPIRED' : 'CLIENT_REFUSED',
    detail: `${target.server} does not take the agent's certificate ${describe(own)}: ${isOver ? 'it is expired' : how}.`,
    hint: isOver
      ? 'Make a new credential: sluice agents add NAME.'
      : "The orchestrator's CA did not sign it: it has another data folder or a new CA, or another orchestrator answers there. Make a new credential at this one: sluice agents add NAME.",
  };
}

function describe({ subject, issuer, names, validFromMs, validToMs }: CertificateFacts): string {
  const day = (ms: number): string => (Number.isNaN(ms) ? '?' : new Date(ms).toISOString());
  const forNames = names === '' ? '' : ` for ${names}`;
  return `"${subject}"${forNames}, issued by "${issuer}", valid from ${day(validFromMs)} to ${day(validToMs)}`;
}

function shown({ proxy }: Expected['target']): string {
  return proxy ? showProxy(proxy) : '';
}
