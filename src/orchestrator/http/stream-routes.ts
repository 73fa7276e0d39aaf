/** A deployment as it happens: server-sent events, from where the reader left off. */

import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { readDeployment, type DeploymentRow } from '../store/deployments.ts';
import { listEvents, type EventRow } from '../store/events.ts';
import { listRollouts, type RolloutRow } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import type { Api } from './api.ts';
import { noSuchDeployment } from './errors.ts';

/** Proxies end a stream that is silent; a comment line is none. */
const HEARTBEAT_MS = 15_000;
/** Events of one query. */
const PAGE = 1_000;
/** A reader that does not read is let go; it comes back with Last-Event-ID. */
const BACKLOG_LIMIT = 16 * 1024 * 1024;
const OVER = new Set(['succeeded', 'rolledBack', 'aborted', 'failed']);

export function streamRoutes(api: Api, { store, clock }: Services): void {
  const schema = {
    summary:
      'Server-sent events: `event`, `rollout`, `deployment`; goes on after Last-Event-ID, ends when the deployment is over.',
    params: z.object({ id: z.string() }),
    headers: z.object({ 'last-event-id': z.coerce.number().int().min(0).default(0) }),
  };
  api.get('/v1/deployments/:id/stream', { schema }, async (request, reply) => {
    const { id } = request.params;
    if ((await readDeployment(store, id)) === undefined) throw noSuchDeployment(id);
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      connection: 'keep-alive',
    });
    await serve(store, id, request.headers['last-event-id'], reply.raw, (beat) => every(clock, HEARTBEAT_MS, beat));
  });
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
async function serve(
  store: Store,
  id: string,
  after: number,
  out: ServerResponse,
  heartbeat: (beat: () => void) => () => void,
): Promise<void> {
  // It may have gone while we looked: then `close` was told already.
  if (out.destroyed) return;
  const stream = new DeploymentStream(out, after);
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
  const stopBeat = heartbeat(() => stream.beat());
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
    const { file: _file, source: _source, ...row } = deployment;
    stream.deployment(row);
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
  #last: number;

  constructor(out: ServerResponse, after: number) {
    this.#out = out;
    this.#last = after;
  }

  event(row: EventRow): void {
    if (row.id <= this.#last) return;
    this.#last = row.id;
    this.#write(`id: ${row.id}\nevent: event\ndata: ${JSON.stringify(row)}\n\n`);
  }

  rollout(row: RolloutRow): void {
    this.#write(`event: rollout\ndata: ${JSON.stringify(row)}\n\n`);
  }

  deployment(row: DeploymentRow): void {
    this.#write(`event: deployment\ndata: ${JSON.stringify(row)}\n\n`);
    if (OVER.has(row.state)) this.#out.end();
  }

  beat(): void {
    this.#write(': beat\n\n');
  }

  #write(text: string): void {
    if (this.#out.writableEnded || this.#out.destroyed) return;
    this.#out.write(text);
    if (this.#out.writableLength > BACKLOG_LIMIT) this.#out.destroy();
  }
}
