/** Measurements from Prometheus' HTTP API: one query, one value; whatever else comes is no data, with its reason. */

import { codeOf, messageOf } from '../../shared/errors.ts';
import type { Measurement } from './judge.ts';

export interface MetricProvider {
  name: string;
  /** Base URL, as Prometheus is reached from the orchestrator. */
  url: string;
}

const TIMEOUT_MS = 10_000;
const NO_JSON = 'HTTP';

/**
 * Evaluates a query at a moment.
 * @param atMs milliseconds since the epoch.
 * @param heard told of each answer, and of each failure to get one.
 * @returns never rejects: an unreachable provider or a bad query is `noData` and says so.
 */
export async function measurePrometheus(
  provider: MetricProvider,
  query: string,
  atMs: number,
  heard: (silence: Silence | undefined) => void = () => {},
): Promise<Measurement> {
  const { url, headers } = endpointOf(provider);
  const body = new URLSearchParams({ query, time: String(atMs / 1000) });
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer = await read(response);
    heard(undefined);
    return readAnswer(provider.name, answer);
  } catch (error) {
    const silence = { host: url.origin, ...causeOf(error) };
    heard(silence);
    return noData(`${provider.name} at ${url.origin} does not answer (${silence.reason})`);
  }
}

/** Why a provider did not answer. */
export interface Silence {
  host: string;
  /** Of Node, such as ECONNREFUSED; `HTTP`: something else answered; `TimeoutError`. */
  code: string;
  reason: string;
}

/** An error of Prometheus' own is JSON too; what is not comes of something before it, and its text is nobody's business. */
async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer;
  } catch {
    // Not the parser's message: it quotes the text.
    const { status, statusText } = response;
    throw Object.assign(new Error(`it answered ${`${status} ${statusText}`.trim()} and no JSON`), { code: NO_JSON });
  }
}

/** User and password of a URL go into a header: fetch refuses them in the URL, and quotes it when it does. */
function endpointOf(provider: MetricProvider): { url: URL; headers: Record<string, string> } {
  const url = new URL('api/v1/query', provider.url.endsWith('/') ? provider.url : `${provider.url}/`);
  const { username, password } = url;
  if (username === '' && password === '') return { url, headers: {} };
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): Pick<Silence, 'code' | 'reason'> {
  if (error instanceof DOMException) return { code: error.name, reason: error.message };
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = codeOf(cause) ?? 'UNKNOWN';
  return { code, reason: messageOf(cause) || code };
}

/** What https://prometheus.io/docs/prometheus/latest/querying/api/ promises, as far as it is read. */
interface Answer {
  status?: string;
  error?: string;
  data?: { resultType?: string; result?: unknown };
}

function readAnswer(name: string, answer: Answer): Measurement {
  if (answer.status !== 'success') return noData(`${name} refused the query: ${answer.error ?? 'no reason given'}`);
  const samples = samplesOf(answer);
  if (samples === undefined)
    return noData(`the query must give one value, not a ${answer.data?.resultType ?? 'nothing'}`);
  if (samples.length === 0) return noData('the query found no data');
  if (samples.length > 1) return noData(`the query must give one value, it gave ${samples.length}: aggregate it`);
  const value = Number(samples[0]);
  return Number.isNaN(value)
    ? noData('the query gave NaN: nothing was counted in its window')
    : { kind: 'value', value };
}

/** The values of an instant vector or scalar, as text; undefined for a matrix or a string. */
function samplesOf({ data }: Answer): string[] | undefined {
  if (data?.resultType === 'scalar') return [(data.result as [number, string])[1]];
  if (data?.resultType !== 'vector') return undefined;
  return (data.result as { value: [number, string] }[]).map(({ value }) => value[1]);
}

function noData(reason: string): Measurement {
  return { kind: 'noData', reason };
}
