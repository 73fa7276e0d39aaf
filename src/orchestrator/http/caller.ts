/** Who asks: known before a route is reached, and asked there for the application concerned. */

import type { FastifyRequest } from 'fastify';
import { HttpError } from './errors.ts';
import { mayDo, type Access, type Action, type Role } from './permission.ts';

/** Programs of this machine, where no token is asked for. No token can have its name. */
export const LOCAL = 'local';
/** The token that lies in the data folder under this name. No other can have it. */
export const OWN_TOKEN = 'api-token';

export interface Caller {
  /** A token's name, LOCAL or OWN_TOKEN. */
  name: string;
  role: Role;
  /** Null: all. */
  applications: readonly string[] | null;
  /** Names that a pause may require (`requiresRoles`). */
  asRoles: readonly string[];
  /** Aborts when it counts no longer: revoked, or past its time; then nothing more is told to it. */
  ended: AbortSignal;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask. A route without it is the admin's. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Undefined on open routes, and before it is known. */
    caller: Caller | undefined;
  }
}

/** @throws Error on an open route, which nobody has to say who he is for. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error(`${request.url} is open: there is no caller`);
  return request.caller;
}

/** @throws HttpError NOT_PERMITTED (403), with what is missing. */
export function requirePermission(caller: Caller, action: Action, application?: string): void {
  const { name, role, applications } = caller;
  const permission = mayDo(role, applications, action, application);
  if (permission.may) return;
  if (permission.lacks === 'role') {
    const { needs } = permission;
    throw new HttpError(
      403,
      'NOT_PERMITTED',
      `Token ${name} has the role ${role}; this needs ${needs === 'admin' ? 'admin' : `${needs} or more`}. An admin makes one: sluice tokens add NAME --role ${needs}`,
    );
  }
  throw new HttpError(
    403,
    'NOT_PERMITTED',
    `Token ${name} is limited to ${applications?.join(', ')}; this is of another application. An admin makes one for it: sluice tokens add NAME --role ${role} --application APPLICATION`,
  );
}

/** Who did it, as a run's events say: what a caller calls itself is not proven, its token is. */
export function signed({ name }: Caller, by: string): string {
  if (name === LOCAL) return by;
  return by === 'api' || by === name ? name : `${by} (token ${name})`;
}
