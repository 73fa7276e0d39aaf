/** The orchestrator's API as the commands call it; what it refuses becomes a message and an exit code. */

import { showProblem, type FileProblem } from '../orchestrator/file/problem.ts';
import { EXIT, Exit } from './exit-code.ts';
import { explainFailure } from './explain-failure.ts';

export interface ApiClient {
  readonly url: string;
  /** The file of the authority that is trusted beside this machine's own; for messages. */
  readonly authority: string | undefined;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  remove(path: string): Promise<void>;
  /** The response itself: for a stream. Rejects when nobody answers. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
  /** The same, but a call ends when the signal aborts. */
  until(signal: AbortSignal): ApiClient;
}

interface ErrorBody {
  error?: { code?: string; message?: string; problems?: FileProblem[] };
}

const EXIT_OF: Record<string, number> = {
  INVALID_FILE: EXIT.invalid,
  INVALID_REQUEST: EXIT.invalid,
  INVALID_ACCOUNT: EXIT.invalid,
  DEPLOYMENT_IN_PROGRESS: EXIT.conflict,
};

/** Nothing that is asked takes long: the deployment itself is followed by its stream. */
const TIMEOUT_MS = 60_000;

export interface ApiAccess {
  url: string;
  token?: string | undefined;
  /** PEM file, trusted by now: see trust.ts. */
  authority?: string | undefined;
}

export function apiClient({ url, token, authority }: ApiAccess, signal?: AbortSignal): ApiClient {
  const base = url.replace(/\/+$/, '');
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const init: RequestInit = {
      method,
      headers: { ...authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    try {
      return await answerOf(base, await fetch(base + path, init));
    } catch (error) {
      if (error instanceof Exit) throw error;
      if (signal?.aborted === true) throw interrupted(method);
      throw unreachable(
        { url: base, authority },
        timeout.aborted ? new Error(`no answer in ${TIMEOUT_MS / 1000} s`) : error,
      );
    }
  };
  return {
    url: base,
    authority,
    get: async <T>(path: string) => (await call('GET', path)) as T,
    post: async <T>(path: string, body: unknown) => (await call('POST', path, body)) as T,
    remove: async (path) => void (await call('DELETE', path)),
    open: (path, headers, signal) => fetch(base + path, { headers: { ...authorization, ...headers }, signal }),
    until: (signal) => apiClient({ url, token, authority }, signal),
  };
}

/** @throws Exit of a refusal, or when what answers is something else than an orchestrator. */
async function answerOf(url: string, response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  if (!response.ok) throw (await refusalOf(response)) ?? stranger(url, response);
  if (!isJson(response)) throw stranger(url, response);
  return response.json();
}

/** What an orchestrator refused; undefined when the answer is none of an orchestrator: a proxy's, another program's. */
export async function refusalOf(response: Response): Promise<Exit | undefined> {
  const { error } = isJson(response) ? ((await response.json().catch(() => ({}))) as ErrorBody) : {};
  if (error?.message === undefined) return undefined;
  const problems = (error.problems ?? []).map(showProblem);
  return new Exit(EXIT_OF[error.code ?? ''] ?? EXIT.error, [...problems, error.message].join('\n'));
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('application/json') ?? false;
}

function stranger(url: string, { status }: Response): Exit {
  return new Exit(
    EXIT.unreachable,
    `What answers at ${url} is not an orchestrator (HTTP ${status}): it is down behind a proxy, or the address is another program's.\nName the orchestrator with --server or SLUICE_URL.`,
  );
}

/** Says where nobody answered, why, and what to do. */
export function unreachable({ url, authority }: Pick<ApiClient, 'url' | 'authority'>, error: unknown): Exit {
  return new Exit(EXIT.unreachable, explainFailure(url, error, authority));
}

function interrupted(method: string): Exit {
  const unknown = 'Interrupted: whether the orchestrator has done it is not known. Look with: sluice status';
  return new Exit(EXIT.left, method === 'GET' ? 'Interrupted.' : unknown);
}
