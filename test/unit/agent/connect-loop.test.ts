/** The loop that keeps an agent connected, where it is told to stop in an odd moment. */

import { expect, test, vi } from 'vitest';
import { runConnectLoop } from '../../../src/agent/stream/connect-loop.ts';
import type { ConnectLoopOptions } from '../../../src/agent/stream/connect-loop.ts';
import type { AgentCredential } from '../../../src/agent/credential.ts';
import { silentLog } from '../../../src/shared/log.ts';

test('told to stop while the credential is read, it begins no session, which nobody would end', async () => {
  const reading = Promise.withResolvers<AgentCredential>();
  const runSession = vi.fn<ConnectLoopOptions['runSession']>(() => new Promise(() => undefined));
  const stop = new AbortController();
  const options: ConnectLoopOptions = {
    readCredential: () => reading.promise,
    credentialAtHand: () => undefined,
    server: '127.0.0.1:1',
    serverName: undefined,
    plaintext: true,
    proxy: undefined,
    reconnectMaxMs: 1_000,
    isUrgent: () => false,
    log: silentLog,
    now: () => 0,
    random: () => 0.5,
    runSession,
    onWait: () => undefined,
    onTrouble: () => undefined,
  };
  const loop = runConnectLoop(options, stop.signal);
  stop.abort();
  reading.resolve({ account: 'east', token: 'secret' });
  await loop;
  expect(runSession).not.toHaveBeenCalled();
});
