/** Calls to the API server over kept-alive connections; one pool for calls, one for watches, both for the agent's life. */

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import pRetry from 'p-retry';
import { pause } from '../../shared/clock.ts';
import type { Clock } from '../../shared/clock.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { ClusterAccess, Credentials } from './cluster-access.ts';
import { KubeError, answerError, isUntouched, isWorthRetrying, transportError } from './kube-error.ts';
import { endIfPermitted } from './permitted.ts';

export interface KubeCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the root: `/api/v1/namespaces/shop/pods`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Default: application/json. */
  contentType?: string;
  /** Default: JSON. */
  accept?: string;
  /** For messages: `apply Deployment shop/web`. */
  what: string;
  signal?: AbortSignal;
  /**
   * Of a write: throws where it must not be done any more. Asked right before the bytes go out, at each try. From then on
   * `signal` tears nothing: the answer is waited for, as long as a call may take, and is what counts.
   */
  permit?: () => void;
  /** False: the deed must not run twice, so it is only tried again where the server did not touch it. Default: true. */
  repeatable?: boolean;
}

const CALL_TIMEOUT_MS = 10_000;
const RETRIES = { retries: 3, factor: 2, minTimeout: 250, maxTimeout: 5000, randomize: true };
/** A stuck call must not hold up the others: as many connections as operations may run. One that is idle costs nothing. */
const CALL_CONNECTIONS = 64;
/** The API server closes an idle connection after 90 s; closing first avoids a write into a closed one. */
const IDLE_MS = 75_000;
/** How long the first line of a watch's answer may take. */
const WATCH_ANSWER_MS = 30_000;
/** Tokens of a ServiceAccount are renewed in place, long before they expire. */
const CREDENTIALS_MAX_AGE_MS = 60_000;

/** Told of each request when its answer begins. @param status 0: there was none. */
export type KubeObserver = (verb: string, status: number, tookMs: number) => void;

export class KubeApi {
  #access: ClusterAccess;
  #clock: Clock;
  #observe: KubeObserver;
  #mayWrite: (() => void) | undefined;
  #server: URL;
  #prefix: string;
  #loaded: Loaded | undefined;
  #loading: Promise<void> | undefined;

  /** @param mayWrite asked right before the bytes of any write go out; throws where this agent must write nothing. */
  constructor(access: ClusterAccess, clock: Clock, observe: KubeObserver = () => undefined, mayWrite?: () => void) {
    this.#access = access;
    this.#clock = clock;
    this.#observe = observe;
    this.#mayWrite = mayWrite;
    this.#server = new URL(access.server);
    this.#prefix = this.#server.pathname === '/' ? '' : this.#server.pathname;
  }

  /** The answer as JSON. @throws KubeError */
  async call<T>(call: KubeCall): Promise<T> {
    return JSON.parse(await this.text(call)) as T;
  }

  /** The answer as text. At most 4 tries of 10 s each. @throws KubeError, and what `permit` threw */
  async text(call: KubeCall): Promise<string> {
    const { signal, repeatable = true } = call;
    const last: { text?: string; error?: unknown } = {};
    const tryOnce = async (): Promise<string> => {
      try {
        last.text = await this.#once(call);
        return last.text;
      } catch (error) {
        last.error = error;
        throw error;
      }
    };
    const options = {
      ...RETRIES,
      ...(signal && { signal }),
      shouldRetry: ({ error }: { error: Error }) => (repeatable ? isWorthRetrying(error) : isUntouched(error)),
      onFailedAttempt: async ({ error }: { error: Error }) => {
        if (error instanceof KubeError && error.retryAfterMs > 0) {
          await pause(Math.min(error.retryAfterMs, RETRIES.maxTimeout), signal);
        }
      },
    };
    try {
      return await pRetry(tryOnce, options);
    } catch (error) {
      // An abort that came while a write was on its way: how that one ended is the truth, not that we no longer wanted it.
      if (call.permit && last.text !== undefined) return last.text;
      const cause = call.permit ? (last.error ?? error) : error;
      throw cause instanceof SluiceError ? cause : transportError(call.what, cause);
    }
  }

  /** Opens a long answer (a watch). The caller reads it to its end or aborts. @throws KubeError */
  async open(call: KubeCall): Promise<IncomingMessage> {
    const { watches, credentials } = await this.#ready();
    return this.#send(watches, credentials, call, call.signal, WATCH_ANSWER_MS);
  }

  close(): void {
    this.#loaded?.calls.destroy();
    this.#loaded?.watches.destroy();
    this.#loaded = undefined;
  }

  /** A 401 has done nothing: with another token or certificate, which may just have been rotated, the call is made once more. */
  async #once(call: KubeCall): Promise<string> {
    const used = await this.#ready();
    try {
      return await this.#ask(call, used);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 401) throw error;
      const next = await this.#ready();
      if (isDeepStrictEqual(next.credentials, used.credentials)) throw error;
      return this.#ask(call, next);
    }
  }

  async #ask(call: KubeCall, { calls, credentials }: Loaded): Promise<string> {
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const signal = call.signal && !call.permit ? AbortSignal.any([timeout, call.signal]) : timeout;
    const answer = await this.#send(calls, credentials, call, signal);
    return read(answer).catch((error: unknown) => {
      throw transportError(call.what, signal.aborted ? signal.reason : error);
    });
  }

  /** Sends one request; an answer of 400 and above is thrown. @param timeoutMs until the answer begins; absent: the signal's business. */
  async #send(
    agent: Agent,
    credentials: Credentials,
    call: KubeCall,
    signal?: AbortSignal,
    timeoutMs?: number,
  ): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers: OutgoingHttpHeaders = {
      ...credentials.headers,
      accept: call.accept ?? 'application/json, */*',
      'user-agent': 'sluice-agent',
      ...(body && { 'content-type': call.contentType ?? 'application/json', 'content-length': body.byteLength }),
    };
    const { protocol, hostname, port } = this.#server;
    const host = hostname.replace(/^\[|\]$/g, '');
    const path = this.#prefix + call.path + queryOf(call.query);
    const verb = call.query?.['watch'] === true ? 'watch' : call.method.toLowerCase();
    const startedMs = performance.now();
    const observe = (status: number): void => this.#observe(verb, status, performance.now() - startedMs);
    let answer: IncomingMessage;
    try {
      signal?.throwIfAborted();
      call.signal?.throwIfAborted();
      const options = { host, port, path, method: call.method, headers, ...(signal && { signal }) };
      // Without TLS is only a proxy on loopback, such as kubectl's.
      const request = protocol === 'http:' ? httpRequest(options) : httpsRequest({ ...options, agent });
      const late =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => request.destroy(new DOMException('No answer.', 'TimeoutError')), timeoutMs);
      try {
        const permit = this.#permitOf(call);
        if (permit) endIfPermitted(request, body, permit, call.signal);
        else request.end(body);
        [answer] = (await once(request, 'response')) as [IncomingMessage];
      } finally {
        clearTimeout(late);
      }
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      // What we gave up ourselves says nothing of the API server.
      if (!call.signal?.aborted) observe(0);
      throw transportError(call.what, signal?.aborted ? signal.reason : error);
    }
    const status = answer.statusCode ?? 0;
    observe(status);
    if (status < 400) return answer;
    if (status === 401 && this.#loaded?.credentials === credentials) this.#loaded.atMs = 0;
    const text = await read(answer).catch(() => '');
    throw answerError(call.what, status, text, answer.headers['retry-after']);
  }

  #permitOf({ method, permit }: KubeCall): (() => void) | undefined {
    const mayWrite = this.#mayWrite;
    if (!mayWrite || method === 'GET') return permit;
    return () => {
      mayWrite();
      permit?.();
    };
  }

  async #ready() {
    const fresh = this.#loaded && this.#clock.now() - this.#loaded.atMs < CREDENTIALS_MAX_AGE_MS;
    if (!fresh) {
      this.#loading ??= this.#reload().finally(() => (this.#loading = undefined));
      await this.#loading;
    }
    // #reload has set it, or has thrown.
    return this.#loaded!;
  }

  /** Reads the credentials; new pools only when what the connections are made with has changed. */
  async #reload(): Promise<void> {
    const old = this.#loaded;
    const atMs = this.#clock.now();
    const credentials = await this.#access.read().catch((error: unknown) => {
      // A file that is being replaced: what worked a minute ago most likely still does, and if not, a 401 brings us back here.
      if (old) return old.credentials;
      throw error;
    });
    const fingerprint = JSON.stringify(credentials.tls);
    if (old?.fingerprint === fingerprint) {
      this.#loaded = { ...old, credentials, atMs };
      return;
    }
    const tls = { ...credentials.tls, keepAlive: true };
    // `timeout` closes what is idle; the calls' own is their signal, the watches' judges silence (list-watch.ts).
    const calls = new Agent({ ...tls, maxSockets: CALL_CONNECTIONS, timeout: IDLE_MS, scheduling: 'lifo' });
    const watches = new Agent(tls);
    this.#loaded = { credentials, calls, watches, fingerprint, atMs };
    // What runs on the old connections runs on; only the idle ones go.
    for (const socket of Object.values(old?.calls.freeSockets ?? {}).flat()) socket?.destroy();
  }
}

interface Loaded {
  credentials: Credentials;
  calls: Agent;
  watches: Agent;
  /** Of what the connections were made with. */
  fingerprint: string;
  /** When the credentials were read. */
  atMs: number;
}

async function read(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function queryOf(query: KubeCall['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}
