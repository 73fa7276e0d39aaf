/** Reads the metrics of some pods from their own ports, and keeps the lines that were asked for. */

import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { ResultValue, ScrapeSpec } from '../../protocol/operation.ts';
import type { OperationContext } from './context.ts';

interface Pod {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string };
  status?: { podIP?: string; conditions?: { type: string; status: string }[] };
}

type Scraped = ResultValue['scrape']['pods'][number];

/** A proxy answers in milliseconds; one that does not must not hold up the verdict on the others. */
const POD_TIMEOUT_MS = 3000;
/** A busy Linkerd proxy says some hundred KiB. */
const POD_BYTES = 8 * 1024 * 1024;
const MAX_PODS = 200;
const AT_ONCE = 8;

/** Only of ready pods that stay; a pod that does not answer is told with its error, the others all the same. */
export async function scrape(context: OperationContext, spec: ScrapeSpec): Promise<ResultValue['scrape']> {
  const { items } = await context.api.call<{ items: Pod[] }>({
    method: 'GET',
    path: `/api/v1/namespaces/${encodeURIComponent(spec.namespace)}/pods`,
    query: { labelSelector: spec.labelSelector, limit: 500 },
    what: `list pods in ${spec.namespace}`,
    signal: context.signal,
  });
  const ready = items.filter(isReady);
  if (ready.length > MAX_PODS) {
    throw new SluiceError(
      'TOO_LARGE',
      `${ready.length} pods match ${spec.labelSelector}; at most ${MAX_PODS} are read at once. Use a Prometheus instead.`,
    );
  }
  const pods: Scraped[] = [];
  const waiting = [...ready];
  const reader = async (): Promise<void> => {
    for (let pod = waiting.shift(); pod; pod = waiting.shift()) pods.push(await scrapePod(context, spec, pod));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  return { pods };
}

async function scrapePod(context: OperationContext, spec: ScrapeSpec, pod: Pod): Promise<Scraped> {
  const told = { pod: pod.metadata.name, hash: pod.metadata.labels?.['pod-template-hash'] ?? '' };
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(POD_TIMEOUT_MS)]);
  try {
    const text = await readMetrics(pod.status?.podIP ?? '', spec, signal);
    return { ...told, text, error: '' };
  } catch (error) {
    context.signal.throwIfAborted();
    const why = signal.aborted ? `no answer within ${POD_TIMEOUT_MS} ms` : messageOf(error);
    return { ...told, text: '', error: `port ${spec.port} of pod ${told.pod}: ${why}` };
  }
}

async function readMetrics(host: string, { port, path, metrics }: ScrapeSpec, signal: AbortSignal): Promise<string> {
  const asked = request({ host, port, path, method: 'GET', agent: false, signal });
  asked.end();
  const [answer] = (await once(asked, 'response', { signal })) as [IncomingMessage];
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw new Error(`it answered ${answer.statusCode}`);
  }
  const wanted = new Set(metrics);
  const kept: string[] = [];
  let bytes = 0;
  let rest = '';
  // Line by line: what is not wanted is never held.
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    bytes += chunk.length;
    if (bytes > POD_BYTES) throw new Error(`it says more than ${POD_BYTES} bytes`);
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (wanted.has(nameOf(line))) kept.push(line);
  }
  if (wanted.has(nameOf(rest))) kept.push(rest);
  return kept.join('\n');
}

/** Of a sample in the Prometheus text format; of a comment or an empty line nothing. */
function nameOf(line: string): string {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? '';
}

function isReady({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  return ready && status?.podIP !== undefined && metadata.deletionTimestamp === undefined;
}
