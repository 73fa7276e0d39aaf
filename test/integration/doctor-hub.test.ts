/** What the hub answers an agent's doctor: would it be let in. The session of the agent that runs is not touched. */

import { Metadata, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import type { CheckReply__Output } from '../../src/protocol/gen/sluice/agent/v1/CheckReply.ts';
import type { Hello } from '../../src/protocol/gen/sluice/agent/v1/Hello.ts';
import { AgentHubClient, CLIENT_CHANNEL_OPTIONS, PROTOCOL_MAX, PROTOCOL_MIN } from '../../src/protocol/service.ts';
import { revokeAgent } from '../../src/orchestrator/store/agents.ts';
import { openAlerts } from '../../src/orchestrator/store/alerts.ts';
import { HubBench } from '../support/hub-bench.ts';

const bench = new HubBench();
const clients: AgentHubClient[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function check(token = bench.east.token, more: Hello = {}): Promise<CheckReply__Output> {
  const client = new AgentHubClient(
    `127.0.0.1:${bench.server.port}`,
    credentials.createInsecure(),
    CLIENT_CHANNEL_OPTIONS,
  );
  clients.push(client);
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const hello = { protocolMin: PROTOCOL_MIN, protocolMax: PROTOCOL_MAX, ...more };
  const { promise, resolve, reject } = Promise.withResolvers<CheckReply__Output>();
  client.Check(hello, metadata, { deadline: Date.now() + 10_000 }, (error: ServiceError | null, reply) => {
    if (reply) resolve(reply);
    else reject(error ?? new Error('neither reply nor error'));
  });
  return promise;
}

test('it says who would be let in, and the session that is live goes on', async () => {
  const before = Date.now();
  expect(await check()).toMatchObject({
    account: 'east',
    protocol: PROTOCOL_MAX,
    orchestratorVersion: packageJson.version,
    connected: false,
  });
  const live = await bench.dial().hello().welcomed();
  const reply = await check();
  expect(reply.connected).toBe(true);
  expect(reply.serverTimeMs).toBeGreaterThanOrEqual(before);
  expect([live.goAway, live.end, bench.hub.isConnected('east')]).toEqual([undefined, undefined, true]);
});

test('it refuses with the reason: a revoked credential, an unknown one, a protocol of the future', async () => {
  await expect(check('sluice_made-up')).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  const future = check(bench.east.token, { protocolMin: 90, protocolMax: 91, agentVersion: '9.0.0' });
  await expect(future).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: expect.stringContaining('Upgrade the orchestrator') as string,
  });
  await revokeAgent(bench.store, 'east');
  await expect(check()).rejects.toMatchObject({
    code: status.UNAUTHENTICATED,
    details: expect.stringContaining('revoked') as string,
  });
});

test('who guesses credentials by it is noticed as one who connects', async () => {
  await bench.restart({ limits: { refusals: 2 } });
  for (let n = 0; n < 2; n++) await expect(check('sluice_made-up')).rejects.toMatchObject({ code: 16 });
  await expect.poll(async () => (await openAlerts(bench.store)).length).toBe(1);
});

test('it can be asked no more often than sessions can be begun', async () => {
  await bench.restart({ limits: { handshakes: { perSecond: 0.001, burst: 1 } } });
  await check();
  await expect(check()).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});
