/** What the API server or the way to it answered when it was not the wanted thing: classified once, here. */

import { SluiceError, codeOf, messageOf } from '../../shared/errors.ts';
import type { Disposition } from '../../shared/errors.ts';
import type { ResultCode } from '../../protocol/operation.ts';

/** The parts of a `v1.Status` that Sluice reads. */
interface KubeStatus {
  reason?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string; field?: string }[]; retryAfterSeconds?: number };
}

export class KubeError extends SluiceError {
  declare readonly code: ResultCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The API server's `reason`: NotFound, Conflict, Expired. Empty when there was none. */
  readonly reason: string;
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number;
  /** Paths of the fields it found fault with: `metadata.uid`. */
  readonly fields: readonly string[];

  constructor(code: ResultCode, message: string, facts: KubeErrorFacts) {
    super(code, message, { disposition: facts.disposition, cause: facts.cause });
    this.status = facts.status;
    this.reason = facts.reason ?? '';
    this.retryAfterMs = facts.retryAfterMs ?? 0;
    this.fields = facts.fields ?? [];
  }
}

interface KubeErrorFacts {
  status: number;
  reason?: string;
  retryAfterMs?: number;
  fields?: string[];
  disposition: Disposition;
  cause?: unknown;
}

/**
 * An answer with status 400 or above.
 * @param what the deed as a sentence's object: `apply Deployment shop/web`.
 * @param body the answer, mostly JSON of a v1.Status.
 */
export function answerError(what: string, status: number, body: string, retryAfterHeader?: string): KubeError {
  const answer = parseStatus(body);
  const reason = answer.reason ?? '';
  const { code, disposition } = classify(status, reason);
  const said = `${(answer.message?.trim() || `HTTP ${status}`).replace(/\.$/, '')}.`;
  const seconds = Number(retryAfterHeader ?? answer.details?.retryAfterSeconds ?? 0);
  return new KubeError(code, `Could not ${what}: ${conflictOwners(answer) ?? said}${hintFor(status, answer)}`, {
    status,
    reason,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
    fields: answer.details?.causes?.flatMap((cause) => cause.field ?? []) ?? [],
    disposition,
  });
}

/** No answer: the connection broke, was refused, or took too long. An abort of the caller's comes back as CANCELLED. */
export function transportError(what: string, cause: unknown): KubeError {
  const code = codeOf(cause) ?? '';
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'TimeoutError' || code.includes('TIMEOUT')) {
    return new KubeError(
      'TIMEOUT',
      `Could not ${what}: the API server did not answer in time. Look at the object before you try again: it may have been done.`,
      {
        status: 0,
        disposition: 'retry',
        cause,
      },
    );
  }
  if (name === 'AbortError' || code === 'UND_ERR_ABORTED') {
    return new KubeError('CANCELLED', `Stopped while trying to ${what}. Ask again if it is still wanted.`, {
      status: 0,
      disposition: 'terminal',
      cause,
    });
  }
  return new KubeError(
    'UNAVAILABLE',
    `Could not ${what}: the API server cannot be reached (${messageOf(cause)}). See that it runs and that no NetworkPolicy is between.`,
    {
      status: 0,
      reason: code,
      disposition: 'retry',
      cause,
    },
  );
}

/** True where the same call may go through a moment later: too many requests, server errors, a connection that broke. */
export function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  return error.status === 429 || error.status >= 500 || error.code === 'UNAVAILABLE';
}

/** True where the API server refused before it did anything, so that even a call that must not run twice may be made again. */
export function isUntouched(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 429 || error.reason === 'ECONNREFUSED');
}

function classify(status: number, reason: string): { code: ResultCode; disposition: Disposition } {
  switch (status) {
    case 401:
    case 403:
      return { code: 'FORBIDDEN', disposition: 'stalled' };
    case 404:
      return { code: 'NOT_FOUND', disposition: 'terminal' };
    case 405:
    case 415:
      return { code: 'UNSUPPORTED', disposition: 'terminal' };
    case 409:
      return { code: reason === 'AlreadyExists' ? 'ALREADY_EXISTS' : 'CONFLICT', disposition: 'terminal' };
    case 413:
      return { code: 'TOO_LARGE', disposition: 'terminal' };
    case 410:
      return { code: 'UNAVAILABLE', disposition: 'retry' };
    case 429:
    case 502:
    case 503:
      return { code: 'UNAVAILABLE', disposition: 'retry' };
    case 504:
      return { code: 'TIMEOUT', disposition: 'retry' };
    default:
      return status >= 500 ? { code: 'INTERNAL', disposition: 'retry' } : { code: 'INVALID', disposition: 'terminal' };
  }
}

/** Server-side apply names the owner of each field in the causes; its own message repeats them in a list that is hard to read. */
function conflictOwners(answer: KubeStatus): string | undefined {
  const causes = answer.details?.causes?.filter((cause) => cause.reason === 'FieldManagerConflict') ?? [];
  if (causes.length === 0) return undefined;
  const fields = causes.map((cause) => `${cause.field ?? 'a field'} (${cause.message ?? 'owner unknown'})`);
  return `other managers own ${fields.join(', ')}. Remove the fields from the manifest, or let the other manager give them up.`;
}

/** What a person can do about it, where the API server's own words do not say. */
function hintFor(status: number, answer: KubeStatus): string {
  const { reason } = answer;
  switch (status) {
    case 401:
      return " The agent's ServiceAccount token is not accepted: it may be expired or of another cluster.";
    case 403:
      return reason === 'Forbidden' ? " Grant it in the agent's Role (Helm value allowedNamespaces)." : '';
    case 405:
    case 415:
      return ' This cluster does not offer that for this kind: use another way, or a newer Kubernetes.';
    case 409:
      return reason === 'Conflict' ? ' Somebody wrote at the same time: read it again and repeat.' : '';
    case 410:
      return ' The list took longer than the API server keeps its pages: ask again.';
    case 422:
      // Its own words name the field; only of a patch that does not apply they are these.
      return answer.message?.startsWith('the server rejected our request')
        ? ' A step of the patch does not apply to the object as it is: read it again.'
        : '';
    case 413:
      return ' Make the object smaller: what is large belongs into a volume or several objects.';
    case 429:
    case 502:
    case 503:
      return ' The API server is busy or restarts: try again in a moment.';
    case 504:
      return ' Look at the object before you try again: it may have been done.';
    default:
      return status >= 500 ? ' See the log of the API server, or of the webhook that is named.' : '';
  }
}

function parseStatus(body: string): KubeStatus {
  try {
    const parsed = JSON.parse(body) as unknown;
    return typeof parsed === 'object' && parsed !== null ? parsed : { message: body.slice(0, 500) };
  } catch {
    return { message: body.slice(0, 500) };
  }
}
