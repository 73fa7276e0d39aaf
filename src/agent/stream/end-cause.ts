/** Names the cause of a session that did not begin, where the orchestrator itself, or the agent's own files, said it. Pure. */

import type { Diagnosis } from './cause.ts';
import type { SessionEnd } from './session-end.ts';

/** How a session may end without Welcome, beside being stopped. */
export type Unwelcome = Extract<SessionEnd, { kind: 'refused' | 'lost' }>;

/** Nothing that is to be found on the way can explain these: somebody answered. */
const ANSWERED = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED', 'CREDENTIAL', 'STALE_EPOCH', 'PROTOCOL', 'STALLED']);
/** grpc-js's words for an answer that is HTTP's, of whatever stands before the orchestrator. */
const HTTP_ANSWER = /Received HTTP status code|unexpected HTTP|content-type/i;

/** Whether the way should be looked at: what is known so far says nothing of the cause. */
export function isWorthProbing(end: Unwelcome): boolean {
  return end.kind === 'lost' && (!ANSWERED.has(end.code) || HTTP_ANSWER.test(end.message));
}

const NEW_CREDENTIAL =
  'Enrol the agent again, or give it a new credential: sluice agents add NAME. What it is given is read anew at each attempt.';

/** The cause by the end alone; after a probe that found nothing wrong, it is the orchestrator's. */
export function causeOfEnd(end: Unwelcome): Diagnosis {
  const { code, message: detail } = end;
  switch (code) {
    case 'CREDENTIAL':
      return {
        cause: 'credential',
        code,
        detail,
        hint: 'Look whether the Secret is there, is mounted, and holds what `sluice agents add` wrote.',
      };
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return { cause: 'auth', code, detail, hint: NEW_CREDENTIAL };
    case 'VERSION':
      return {
        cause: 'version',
        code,
        detail,
        hint: 'Upgrade the older of the two; `sluice agents` lists the versions.',
      };
    case 'LIMIT':
      return {
        cause: 'orchestrator',
        code,
        detail,
        hint: 'The agent is restarted again and again (kubectl describe pod), or its credential is used elsewhere too: `sluice agents` says which.',
      };
    case 'RETRY':
      return {
        cause: 'orchestrator',
        code,
        detail,
        hint: "The agent tries again automatically. If it stays so, look at the orchestrator's log.",
      };
    case 'FENCED':
    case 'STALE_EPOCH':
      return {
        cause: 'orchestrator',
        code,
        detail,
        hint: 'The orchestrator runs on an older database than before, or there are two: look which one the address leads to. If the older one is the right one, restart the agent.',
      };
    case 'NO_WELCOME':
      return {
        cause: 'orchestrator',
        code,
        detail,
        hint: "The way is open. Look at the orchestrator's log and at its database: it answers no agent.",
      };
    case 'UNIMPLEMENTED':
      return {
        cause: 'http',
        code: 'OTHER_SERVER',
        detail: `A gRPC server answers that is no orchestrator: ${detail}`,
        hint: 'Correct the address: it is the port for agents.',
      };
    default:
      return {
        cause: 'orchestrator',
        code,
        detail: end.kind === 'refused' ? detail : `The way is open now, and no session came about: ${detail}`,
        hint: "If it stays so, look at the orchestrator's log.",
      };
  }
}
