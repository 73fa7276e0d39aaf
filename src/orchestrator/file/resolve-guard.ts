/** The file's `guard`, with its defaults: what the agent does by itself while the canary has traffic. */

import type { PathProblem } from './problem.ts';
import type { GuardSettings, MinReady } from './resolved.ts';
import { PERIOD, type DeploymentFile } from './schema.ts';

export const DEFAULT_GUARD: GuardSettings = {
  minReady: { count: 1 },
  lostContact: { afterMs: 600_000, do: 'rollback' },
};

/** Three missed heartbeats, and a moment to connect again: less is everyday life. */
const MIN_LOST_MS = 60_000;

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

export function resolveGuard(given: DeploymentFile['guard'], problems: PathProblem[]): GuardSettings {
  const { lostContact, minReady } = given ?? {};
  const { afterMs: usual, do: usually } = DEFAULT_GUARD.lostContact;
  const afterMs = lostContact?.after === undefined ? usual : periodMs(lostContact.after);
  if (afterMs < MIN_LOST_MS) {
    problems.push({
      path: ['guard', 'lostContact', 'after'],
      message: 'after must be a minute at least: a shorter silence is an everyday reconnect',
    });
  }
  return {
    minReady: minReady === undefined ? DEFAULT_GUARD.minReady : minReadyOf(minReady),
    lostContact: { afterMs, do: lostContact?.do === 'hold' ? 'hold' : usually },
  };
}

function periodMs(text: string): number {
  const [, count = '0', unit = ''] = PERIOD.exec(text) ?? [];
  return Number(count) * (UNIT_MS[unit] ?? 0);
}

function minReadyOf(given: number | string): MinReady {
  return typeof given === 'number' ? { count: given } : { percent: Number.parseInt(given, 10) };
}
