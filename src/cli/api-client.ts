/** The orchestrator's API as the commands call it; what it refuses becomes a message and an exit code. */

import { messageOf } from '../shared/errors.ts';
import { showProblem, type FileProblem } from '../orchestrator/file/problem.ts';
import { EXIT, Exit } from './exit-code.ts';

export interface ApiClient {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  remove(path: string): Promise<void>;
  /** The response itself: for a stream. Rejects when nobody answers. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
}

interface ErrorBody {
  error?: { code?: string; message?: string; problems?: FileProblem[] };
}

const EXIT_OF: Record<string, number> = {
  INVALID_FILE: EXIT.invalid,
  INVALID_REQUEST: EXIT.invalid,
  DEPLOYMENT_IN_PROGRESS: EXIT.conflict,
};

export function apiClient(url: string, token: string | undefined): ApiClient {
  const base = url.replace(/\/+$/, '');
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const init: RequestInit = {
      method,
      headers: { ...authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const response = await fetch(base + path, init).catch((error: unknown) => unreachable(base, error));
    if (!response.ok) throw refused(response.status, (await response.json().catch(() => ({}))) as ErrorBody);
    return response;
  };
  return {
    url: base,
    get: async <T>(path: string) => (await (await call('GET', path)).json()) as T,
    post: async <T>(path: string, body: unknown) => (await (await call('POST', path, body)).json()) as T,
    remove: async (path) => void (await call('DELETE', path)),
    open: (path, headers, signal) => fetch(base + path, { headers: { ...authorization, ...headers }, signal }),
  };
}

/** @throws Exit that says where nobody answered, and what to do. */
export function unreachable(url: string, error: unknown): never {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  throw new Exit(
    EXIT.unreachable,
    `The orchestrator does not answer at ${url} (${messageOf(cause)}).\nStart one with \`sluice orchestrator\`, or name it with --server or SLUICE_URL.`,
  );
}

function refused(status: number, { error = {} }: ErrorBody): Exit {
  const problems = (error.problems ?? []).map(showProblem);
  const message = [...problems, error.message ?? `The orchestrator answered ${status}.`].join('\n');
  return new Exit(EXIT_OF[error.code ?? ''] ?? EXIT.error, message);
}
