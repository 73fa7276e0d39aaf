/** Measurements from Prometheus' HTTP API: one query, one value; whatever else comes is no data, with its reason. */

import type { Measurement } from './judge.ts';

export interface MetricProvider {
  name: string;
  /** Base URL, as Prometheus is reached from the orchestrator. */
  url: string;
}

const TIMEOUT_MS = 10_000;

/**
 * Evaluates a query at a moment.
 * @param atMs milliseconds since the epoch.
 * @returns never rejects: an unreachable provider or a bad query is `noData` and says so.
 */
export async function measurePrometheus(provider: MetricProvider, query: string, atMs: number): Promise<Measurement> {
  const { url, headers } = endpointOf(provider);
  const body = new URLSearchParams({ query, time: String(atMs / 1000) });
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return readAnswer(provider.name, (await response.json()) as Answer);
  } catch (error) {
    return noData(`${provider.name} at ${url.origin} does not answer (${causeOf(error)})`);
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
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
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
