/** What the orchestrator answered to the question whether it would take this agent, as checks. Pure. */

import { status } from '@grpc/grpc-js';
import { fail, ok, warn } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { judgeClock } from '../../shared/judge-clock.ts';

export type HubAnswer =
  | {
      account: string;
      protocol: number;
      orchestratorVersion: string;
      /** An agent of the account has a session. */
      connected: boolean;
      serverTimeMs: number;
      /** When it was asked and when it had answered, by our clock. */
      sentMs: number;
      receivedMs: number;
    }
  | { code: status; details: string };

const NEW_CREDENTIAL =
  'Make a new credential with `sluice agents add NAME` and put it into the Secret; the agent reads it anew at its next attempt.';

export function judgeHub(answer: HubAnswer): Check[] {
  if ('details' in answer) return [refusal(answer.code, answer.details)];
  const { account, protocol, orchestratorVersion, connected, serverTimeMs, sentMs, receivedMs } = answer;
  const none = `no agent of ${account} is connected now`;
  return [
    ok('auth', 'auth', `the credential is that of account ${account}`),
    ok('protocol', 'protocol', `${protocol}, with orchestrator ${orchestratorVersion}`),
    connected
      ? ok('session', 'session', `an agent of ${account} is connected`)
      : warn('session', 'session', none, 'If one should run, its log says why it has no session.'),
    judgeClock(serverTimeMs - (sentMs + receivedMs) / 2, "the orchestrator's"),
  ];
}

/** Of the codes that say what is wrong; any other is no answer. */
const REFUSALS: Partial<Record<status, (details: string) => Check>> = {
  [status.UNAUTHENTICATED]: (details) =>
    fail('auth', 'auth', `the orchestrator refuses the credential: ${details}`, NEW_CREDENTIAL),
  [status.FAILED_PRECONDITION]: (details) =>
    fail('protocol', 'protocol', details, 'Bring both to the same release: `helm upgrade` of the older one.'),
  [status.RESOURCE_EXHAUSTED]: (details) => warn('auth', 'auth', `not known: ${details}`, 'Ask again in a minute.'),
  [status.UNIMPLEMENTED]: () =>
    warn(
      'auth',
      'auth',
      'not known: this orchestrator is older than the question',
      '`sluice agents` says whether the agent is connected, and why not.',
    ),
};

function refusal(code: status, details: string): Check {
  const known = REFUSALS[code]?.(details);
  if (known) return known;
  const hint = 'See its log, and run `sluice orchestrator doctor` beside it.';
  return fail('auth', 'auth', `the orchestrator did not answer (${status[code]}: ${details})`, hint);
}
