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

/** Listens first, reads what was before, then lets through what came meanwhile: nothing is missed, nothing sent twice. */
async function serve(
  store: Store,
  id: string,
  after: number,
  out: ServerResponse,
  heartbeat: (beat: () => void) => () => void,
): Promise<void> {
  let last = after;
  let backlog: EventRow[] | undefined = [];
  const send = (kind: string, data: unknown, eventId?: number): void => {
    out.write(`${eventId === undefined ? '' : `id: ${eventId}\n`}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const event = (row: EventRow): void => {
    if (row.id <= last) return;
    last = row.id;
    send('event', row, row.id);
  };
  const onEvent = (row: EventRow): void => {
    if (row.deploymentId !== id) return;
    if (backlog === undefined) event(row);
    else backlog.push(row);
  };
  const onRollout = (row: RolloutRow): void => {
    if (row.deploymentId === id) send('rollout', row);
  };
  const onDeployment = (row: DeploymentRow): void => {
    if (row.id !== id) return;
    send('deployment', row);
    if (OVER.has(row.state)) out.end();
  };
  store.changes.on('event', onEvent).on('rollout', onRollout).on('deployment', onDeployment);
  const stopBeat = heartbeat(() => out.write(': beat\n\n'));
  out.on('close', () => {
    stopBeat();
    store.changes.off('event', onEvent).off('rollout', onRollout).off('deployment', onDeployment);
  });
  for (const row of await listEvents(store, id, after, 10_000)) event(row);
  for (const row of backlog) event(row);
  backlog = undefined;
  for (const row of await listRollouts(store, id)) send('rollout', row);
  const deployment = await readDeployment(store, id);
  if (deployment !== undefined) {
    const { file: _file, source: _source, ...row } = deployment;
    onDeployment(row);
  }
}
