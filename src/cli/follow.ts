/** Follows a deployment's stream to its end; a connection that breaks (an orchestrator that restarts) is taken up where it was. */

import { setTimeout as delay } from 'node:timers/promises';
import { refusalOf, unreachable, type ApiClient } from './api-client.ts';
import { EXIT, Exit } from './exit-code.ts';

export interface StreamedEvent {
  id: number;
  rolloutId: string | null;
  kind: string;
  message: string;
  detail: unknown;
  at: string;
}

export interface StreamedRollout {
  id: string;
  target: string;
  state: string;
  phase: string;
  step: number;
  steps: number;
  weight: number;
  ready: number;
  wanted: number;
  reason: string | null;
  verdicts: { step: number; verdict: string; reason: string }[];
}

export interface StreamedDeployment {
  id: string;
  application: string;
  state: string;
  /** Null until it is over. */
  endedAt: string | null;
  reason: string | null;
}

export type Message =
  | { kind: 'event'; event: StreamedEvent }
  | { kind: 'rollout'; rollout: StreamedRollout }
  | { kind: 'deployment'; deployment: StreamedDeployment };

const RETRY_MS = 500;
/** An orchestrator that is away longer is not restarting. */
const GIVE_UP_MS = 120_000;

export interface Reader {
  onMessage(message: Message): void;
  /** The connection broke; it is tried again from now on. */
  onLost(): void;
  /** It answered a moment ago: then silence is a restart from the first attempt on. */
  isKnown?: boolean;
}

/**
 * @returns the deployment as it ended; undefined when the signal aborted first.
 * @throws Exit when nobody answers at all, or after a break for two minutes.
 */
export async function follow(
  api: ApiClient,
  id: string,
  reader: Reader,
  signal: AbortSignal,
): Promise<StreamedDeployment | undefined> {
  let last = 0;
  /** Whether it answered once: only then is silence a restart. */
  let isKnown = reader.isKnown ?? false;
  /** Counted from the break and not from the last message: a pause may be silent for hours. */
  let lostMs: number | undefined;
  while (!signal.aborted) {
    try {
      const text = await open(api, id, last, signal);
      [isKnown, lostMs] = [true, undefined];
      for await (const message of messages(text)) {
        if (message.kind === 'event') last = message.event.id;
        reader.onMessage(message);
        if (message.kind === 'deployment' && message.deployment.endedAt !== null) return message.deployment;
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof Exit) throw error;
      if (!isKnown) throw unreachable(api, error);
    }
    if (lostMs === undefined) {
      lostMs = Date.now();
      reader.onLost();
    }
    if (Date.now() - lostMs > GIVE_UP_MS) {
      throw new Exit(
        EXIT.unreachable,
        `The orchestrator at ${api.url} has not answered for two minutes. The deployment goes on without this command: sluice watch ${id}`,
      );
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

async function open(api: ApiClient, id: string, after: number, signal: AbortSignal): Promise<ReadableStream<string>> {
  const headers = { accept: 'text/event-stream', 'last-event-id': String(after) };
  const response = await api.open(`/v1/deployments/${encodeURIComponent(id)}/stream`, headers, signal);
  if (response.ok && response.body !== null) return response.body.pipeThrough(new TextDecoderStream());
  // A fault may pass, and a proxy speaks while the orchestrator restarts; what the orchestrator itself refuses stays refused.
  const refusal = response.status < 500 ? await refusalOf(response) : undefined;
  throw refusal ?? new Error(`HTTP ${response.status}`);
}

async function* messages(chunks: ReadableStream<string>): AsyncGenerator<Message> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = parseBlock(block);
      if (message !== undefined) yield message;
    }
  }
}

/** One message of https://html.spec.whatwg.org/multipage/server-sent-events.html as the orchestrator writes it; comments are none. */
export function parseBlock(block: string): Message | undefined {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const data = fields.get('data');
  if (data === undefined) return undefined;
  const value: unknown = JSON.parse(data);
  const kind = fields.get('event');
  if (kind === 'event') return { kind, event: value as StreamedEvent };
  if (kind === 'rollout') return { kind, rollout: value as StreamedRollout };
  return kind === 'deployment' ? { kind, deployment: value as StreamedDeployment } : undefined;
}
