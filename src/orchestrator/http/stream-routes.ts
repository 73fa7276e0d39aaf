/** A deployment as it happens: server-sent events, from where the reader left off. */

import type { ServerResponse } from 'node:http';
import type { Log } from '../../shared/log.ts';
import type { Services } from '../orchestrator.ts';
import { readDeployment, type DeploymentRow } from '../store/deployments.ts';
import { listEvents, type EventRow } from '../store/events.ts';
import { listRollouts, type RolloutRow } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { streamMessage, type StreamMessage } from './answers.ts';
import type { Api } from './api.ts';
import { callerOf, LOCAL } from './caller.ts';
import { streamSchema } from './deployment-schemas.ts';
import { StreamCount } from './limits.ts';
import { permittedDeployment } from './permitted-deployment.ts';
import { asAnswered } from './rollout-answer.ts';

/** Proxies end a stream that is silent; a comment line is none. */
const HEARTBEAT_MS = 15_000;
/** Events of one query. */
const PAGE = 1_000;
/** A reader that does not read is let go; it comes back with Last-Event-ID. */
const BACKLOG_LIMIT = 16 * 1024 * 1024;

export function streamRoutes(api: Api, services: Services): void {
  const open = new StreamCount();
  api.get(
    '/v1/deployments/:id/stream',
    { schema: streamSchema, config: { access: 'read' } },
    async (request, reply) => {
      const { id } = request.params;
      await permittedDeployment(services.store, request, id, 'read');
      const caller = callerOf(request);
      // A program of this machine has other ways to load it.
      if (caller.name !== LOCAL) reply.raw.once('close', open.take(caller.name));
      reply.hijack();
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache',
        connection: 'keep-alive',
      });
      endWith(caller.ended, reply.raw);
      await serve(services, id, request.headers['last-event-id'], reply.raw);
    },
  );
}

/** Nothing more is told to a token that counts no longer; who comes back with it hears why. */
function endWith(ended: AbortSignal, out: ServerResponse): void {
  const end = (): void => void out.end();
  if (ended.aborted) return end();
  ended.addEventListener('abort', end, { once: true });
  out.once('close', () => ended.removeEventListener('abort', end));
}

function every(clock: Services['clock'], ms: number, act: () => void): () => void {
  let cancel = (): void => {};
  const arm = (): void => {
    cancel = clock.after(ms, () => {
      act();
      arm();
    });
  };
  arm();
  return () => cancel();
}

/**
 * Listens first, reads what was before, then lets through what came meanwhile, the end too: nothing is missed, nothing of
 * the events is sent twice, and the end comes after all of them.
 */
async function serve({ store, clock, log }: Services, id: string, after: number, out: ServerResponse): Promise<void> {
  // It may have gone while we looked: then `close` was told already.
  if (out.destroyed) return;
  const stream = new DeploymentStream(out, after, log);
  /** What is heard before the past is sent. */
  let meanwhile: (() => void)[] | undefined = [];
  const inTurn = (act: () => void): void => {
    if (meanwhile === undefined) act();
    else meanwhile.push(act);
  };
  const onEvent = (row: EventRow): void => {
    if (row.deploymentId === id) inTurn(() => stream.event(row));
  };
  const onRollout = (row: RolloutRow): void => {
    if (row.deploymentId === id) inTurn(() => stream.rollout(row));
  };
  const onDeployment = (row: DeploymentRow): void => {
    if (row.id === id) inTurn(() => stream.deployment(row));
  };
  store.changes.on('event', onEvent).on('rollout', onRollout).on('deployment', onDeployment);
  const stopBeat = every(clock, HEARTBEAT_MS, () => stream.beat());
  out.on('close', () => {
    stopBeat();
    store.changes.off('event', onEvent).off('rollout', onRollout).off('deployment', onDeployment);
  });
  try {
    await sendPast(store, id, after, stream);
    const rollouts = await listRollouts(store, id);
    const deployment = await readDeployment(store, id);
    for (const row of rollouts) stream.rollout(row);
    for (const act of meanwhile) act();
    meanwhile = undefined;
    if (deployment === undefined) return;
    stream.deployment(deployment);
  } catch {
    // The database is gone: the reader comes back, with the last id it saw.
    out.destroy();
  }
}

async function sendPast(store: Store, id: string, after: number, stream: DeploymentStream): Promise<void> {
  let last = after;
  for (;;) {
    const rows = await listEvents(store, id, last, PAGE);
    for (const row of rows) stream.event(row);
    if (rows.length < PAGE) return;
    last = rows.at(-1)?.id ?? last;
  }
}

/** The messages on the wire. Events only go forward; nothing follows the end. */
class DeploymentStream {
  readonly #out: ServerResponse;
  readonly #log: Log;
  #last: number;

  constructor(out: ServerResponse, after: number, log: Log) {
    this.#out = out;
    this.#log = log;
    this.#last = after;
  }

  event(row: EventRow): void {
    if (row.id <= this.#last) return;
    this.#last = row.id;
    this.#message({ id: row.id, event: 'event', data: row });
  }

  rollout(row: RolloutRow): void {
    this.#message({ event: 'rollout', data: asAnswered(row) });
  }

  deployment(row: DeploymentRow): void {
    this.#message({ event: 'deployment', data: row });
    if (row.endedAt !== null) this.#out.end();
  }

  beat(): void {
    this.#write(': beat\n\n');
  }

  #message(message: StreamMessage): void {
    const encoded = streamMessage.safeEncode(message);
    if (!encoded.success) {
      // We are called by whoever stored it, who must not hear of it.
      this.#log.error({ err: encoded.error }, 'a message of the stream is not what the API says');
      this.#out.destroy();
      return;
    }
    const { event, data } = encoded.data;
    const id = message.event === 'event' ? `id: ${message.id}\n` : '';
    this.#write(`${id}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    if (this.#out.writableEnded || this.#out.destroyed) return;
    this.#out.write(text);
    if (this.#out.writableLength > BACKLOG_LIMIT) this.#out.destroy();
  }
}
