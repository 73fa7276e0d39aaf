/** Writes down every change that is asked for, before it is made, and how it ended before that is answered. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Log } from '../../shared/log.ts';
import { beginAudit, endAudit, type AuditEnd, type AuditEntry, type AuditOutcome } from '../store/audit.ts';
import type { Store } from '../store/store.ts';
import { callerOf } from './caller.ts';
import { addressOf, cut, userAgentOf } from './origin.ts';

/** What is changed, as far as it is known by now. */
interface Change {
  object: string | null;
  application: string | null;
  /** Of its row; undefined: not written yet. */
  id: number | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    change: Change | undefined;
  }
}

/** A route says what its path and body do not: the id of what it made, the application it is of. */
export function changes(request: FastifyRequest, what: { object?: string; application?: string }): void {
  request.change = { object: null, application: null, id: undefined, ...request.change, ...what };
}

/** Call it after `authenticate`: who was not let in is nobody, and fills no table. */
export function recordChanges(app: FastifyInstance, store: Store, log: Log): void {
  app.decorateRequest('change', undefined);
  app.addHook('preHandler', async (request) => {
    if (request.caller === undefined || !isChange(request)) return;
    // An answer to a change that could not be written down would be one too many: this throws, and nothing is done.
    const id = await beginAudit(store, entryOf(request));
    request.change = { object: null, application: null, ...request.change, id };
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.caller === undefined || !isChange(request)) return;
    const end = endOf(reply.statusCode, payload, request.change);
    try {
      // Refused before it came to the route: the role, a body that is none.
      const id = request.change?.id ?? (await beginAudit(store, entryOf(request)));
      await endAudit(store, id, end);
    } catch (err) {
      log.error({ err, action: actionOf(request) }, 'the end of a change could not be written to the audit');
    }
  });
}

/** Whether a request asks for one. */
export function isChange({ is404, method }: FastifyRequest): boolean {
  return !is404 && method !== 'GET' && method !== 'HEAD';
}

function entryOf(request: FastifyRequest): AuditEntry {
  const { name: who, role } = callerOf(request);
  const { object = null, application = null } = request.change ?? {};
  return {
    who,
    role,
    by: field(request.body, 'by'),
    action: actionOf(request),
    object: object ?? field(request.params, 'id') ?? field(request.params, 'name') ?? field(request.body, 'name'),
    application,
    address: addressOf(request),
    userAgent: userAgentOf(request),
  };
}

/** As /openapi.json names it. */
function actionOf({ routeOptions, method }: FastifyRequest): string {
  const { operationId } = (routeOptions.schema ?? {}) as { operationId?: string };
  return operationId ?? `${method} ${routeOptions.url}`;
}

function field(of: unknown, name: string): string | null {
  const value: unknown = typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? cut(value) : null;
}

function endOf(status: number, payload: unknown, change: Change | undefined): AuditEnd {
  const outcome: AuditOutcome = status < 400 ? 'done' : status < 500 ? 'refused' : 'failed';
  const { object = null, application = null } = change ?? {};
  return { outcome, reason: outcome === 'done' ? null : reasonOf(payload), object, application };
}

/** A refusal's own code and sentence. */
function reasonOf(payload: unknown): string | null {
  if (typeof payload !== 'string') return null;
  const { error } = JSON.parse(payload) as { error?: { code: string; message: string } };
  return error === undefined ? null : cut(`${error.code}: ${error.message}`);
}
