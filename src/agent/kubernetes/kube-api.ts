/** Calls to the API server over kept-alive connections; one pool for calls, one for watches, both for the agent's life. */

import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import pRetry from 'p-retry';
import { pause } from '../../shared/clock.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ClusterAccess, Credentials } from './cluster-access.ts';
import { KubeError, answerError, isUntouched, isWorthRetrying, transportError } from './kube-error.ts';

export interface KubeCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the root: `/api/v1/namespaces/shop/pods`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Default: application/json. */
  contentType?: string;
  /** For messages: `apply Deployment shop/web`. */
  what: string;
  signal?: AbortSignal;
  /** False: the deed must not run twice, so it is only tried again where the server did not touch it. Default: true. */
  repeatable?: boolean;
}

const CALL_TIMEOUT_MS = 10_000;
const RETRIES = { retries: 3, factor: 2, minTimeout: 250, maxTimeout: 5000, randomize: true };
/** A stuck call must not hold up the others: as many connections as operations may run. One that is idle costs nothing. */
const CALL_CONNECTIONS = 64;
/** The API server closes an idle connection after 90 s; closing first avoids a write into a closed one. */
const IDLE_MS = 75_000;
/** Tokens of a ServiceAccount are renewed in place, long before they expire. */
const CREDENTIALS_MAX_AGE_MS = 60_000;

export class KubeApi {
  #access: ClusterAccess;
  #clock: Clock;
  #prefix: string;
  #origin: string;
  #loaded: { credentials: Credentials; calls: Pool; watches: Pool; fingerprint: string; atMs: number } | undefined;
  #loading: Promise<void> | undefined;

  constructor(access: ClusterAccess, clock: Clock) {
    const { origin, pathname } = new URL(access.server);
    this.#access = access;
    this.#clock = clock;
    this.#origin = origin;
    this.#prefix = pathname === '/' ? '' : pathname;
  }

  /** The answer as JSON. @throws KubeError */
  async call<T>(call: KubeCall): Promise<T> {
    return JSON.parse(await this.text(call)) as T;
  }

  /** The answer as text. At most 4 tries of 10 s each. @throws KubeError */
  async text(call: KubeCall): Promise<string> {
    const { signal, repeatable = true } = call;
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
      return await pRetry(() => this.#once(call), options);
    } catch (error) {
      throw error instanceof KubeError ? error : transportError(call.what, error);
    }
  }

  /** Opens a long answer (a watch). The caller reads the body to its end or aborts. @throws KubeError */
  async open(call: KubeCall): Promise<Dispatcher.ResponseData> {
    const { watches, credentials } = await this.#ready();
    return this.#send(watches, credentials, call, call.signal);
  }

  async close(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await Promise.all([loaded?.calls.destroy(), loaded?.watches.destroy()]);
  }

  async #once(call: KubeCall): Promise<string> {
    const { calls, credentials } = await this.#ready();
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const signal = call.signal ? AbortSignal.any([timeout, call.signal]) : timeout;
    const answer = await this.#send(calls, credentials, call, signal);
    try {
      return await answer.body.text();
    } catch (error) {
      throw transportError(call.what, error);
    }
  }

  /** Sends one request; an answer of 400 and above is thrown. */
  async #send(pool: Pool, credentials: Credentials, call: KubeCall, signal: AbortSignal | undefined) {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await pool.request({
        method: call.method,
        path: this.#prefix + call.path + queryOf(call.query),
        headers: {
          ...credentials.headers,
          accept: 'application/json, */*',
          'user-agent': 'sluice-agent',
          ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
        },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        ...(signal && { signal }),
      });
    } catch (error) {
      throw transportError(call.what, error);
    }
    if (answer.statusCode < 400) return answer;
    // The next call reads the token again: this one may just have been rotated.
    if (answer.statusCode === 401 && this.#loaded) this.#loaded.atMs = 0;
    const text = await answer.body.text().catch(() => '');
    throw answerError(call.what, answer.statusCode, text, headerOf(answer, 'retry-after'));
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
    const connect = { ...credentials.tls, timeout: CALL_TIMEOUT_MS };
    const calls = new Pool(this.#origin, { connect, connections: CALL_CONNECTIONS, keepAliveTimeout: IDLE_MS });
    // The watch's own timer judges its silence, see list-watch.ts.
    const watches = new Pool(this.#origin, { connect, bodyTimeout: 0, headersTimeout: 30_000 });
    this.#loaded = { credentials, calls, watches, fingerprint, atMs };
    // Ends once what runs on them has ended.
    void Promise.all([old?.calls.close(), old?.watches.close()]);
  }
}

function queryOf(query: KubeCall['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

function headerOf(answer: Dispatcher.ResponseData, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
