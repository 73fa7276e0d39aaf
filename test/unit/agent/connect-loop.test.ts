/** The loop that keeps an agent connected: when it tries again, and where it is told to stop in an odd moment. */

import { afterEach, expect, test, vi } from 'vitest';
import { runConnectLoop } from '../../../src/agent/stream/connect-loop.ts';
import type { ConnectLoopOptions } from '../../../src/agent/stream/connect-loop.ts';
import type { AgentCredential } from '../../../src/agent/credential.ts';
import { pause } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { seededDice } from '../../support/faults/seeded.ts';
import { seed } from '../../support/seed.ts';

const options: ConnectLoopOptions = {
  readCredential: () => Promise.resolve({ account: 'east', token: 'secret' }),
  credentialAtHand: () => undefined,
  server: '127.0.0.1:1',
  serverName: undefined,
  plaintext: true,
  proxy: undefined,
  reconnectMaxMs: 60_000,
  isUrgent: () => false,
  log: silentLog,
  now: () => Date.now(),
  random: () => 0.5,
  runSession: () => new Promise(() => undefined),
  onWait: () => undefined,
  onTrouble: () => undefined,
};

afterEach(() => void vi.useRealTimers());

test('told to stop while the credential is read, it begins no session, which nobody would end', async () => {
  const reading = Promise.withResolvers<AgentCredential>();
  const runSession = vi.fn<ConnectLoopOptions['runSession']>(options.runSession);
  const stop = new AbortController();
  const loop = runConnectLoop({ ...options, readCredential: () => reading.promise, runSession }, stop.signal);
  stop.abort();
  reading.resolve({ account: 'east', token: 'secret' });
  await loop;
  expect(runSession).not.toHaveBeenCalled();
});

/** How long it waits after each of so many sessions that are lost so long after Welcome. */
async function waitsAfter(sessions: number, welcomedForMs: number): Promise<number[]> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const dice = seededDice(seed);
  const waits: number[] = [];
  const stop = new AbortController();
  const loop = runConnectLoop(
    {
      ...options,
      random: () => dice.next(),
      runSession: async (stream, begun) => {
        stream.on('error', () => undefined).cancel();
        begun();
        await pause(welcomedForMs);
        return { kind: 'lost', code: 'UNAVAILABLE', message: 'killed', welcomedForMs };
      },
      onWait: (delayMs) => void waits.push(delayMs),
    },
    stop.signal,
  );
  while (waits.length < sessions) await vi.advanceTimersByTimeAsync(100);
  stop.abort();
  await loop;
  return waits;
}

test(`a link lost every 35 s for ten minutes is tried again within a second each time (seed ${seed})`, async () => {
  const waits = await waitsAfter(18, 34_000);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(200);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
});

test(`a link lost 2 s after each Welcome is tried again less and less often (seed ${seed})`, async () => {
  const waits = await waitsAfter(50, 2_000);
  expect(Math.max(...waits.slice(0, 10))).toBeLessThanOrEqual(1_000);
  expect(Math.max(...waits)).toBeGreaterThan(30_000);
});
