import { ServerCredentials } from '@grpc/grpc-js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAuthority } from '../cluster/certificates.ts';
import type { Authority } from '../cluster/certificates.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgentProcess } from '../support/agent-process.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { SmallHub } from '../support/small-hub.ts';

/** A name that no DNS has: only the proxy can know the way. */
const HOST = 'orchestrator.sluice.test';

let plane: ControlPlane;
let authority: Authority;
let folder: string;

beforeAll(async () => {
  plane = await startControlPlane();
  authority = await createAuthority();
});

afterAll(async () => plane?.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-agent-proxy-'));
});

afterEach(async () => rm(folder, { recursive: true, force: true }));

async function startHub(): Promise<SmallHub> {
  const server = await authority.server([HOST]);
  const pair = { cert_chain: Buffer.from(server.certificate), private_key: Buffer.from(server.key) };
  return new SmallHub({
    credentials: ServerCredentials.createSsl(Buffer.from(authority.certificate), [pair], true),
  }).listen();
}

async function startBehind(proxy: Record<string, string>) {
  const { certificate, key } = await authority.client('north');
  const path = join(folder, 'credential.json');
  await writeFile(path, JSON.stringify({ account: 'north', certificate, key, ca: authority.certificate }));
  return startAgentProcess({
    SLUICE_SERVER: `${HOST}:7443`,
    SLUICE_CREDENTIAL_FILE: path,
    SLUICE_ALLOWED_NAMESPACES: 'shop',
    SLUICE_KUBECONFIG: plane.kubeconfig,
    ...proxy,
  });
}

test.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'])(
  'with %s the session goes through the proxy, with a user, and ends at the orchestrator by its own certificate',
  async (variable) => {
    await using hub = await startHub();
    await using proxy = await startConnectProxy({ [HOST]: hub.port }, 'me:secret');
    await using agent = await startBehind({
      [variable]: `http://me:secret@127.0.0.1:${proxy.port}`,
      NO_PROXY: 'other.example,',
    });
    await hub.connected();
    expect(proxy.asked[0]).toBe(`${HOST}:7443`);
    expect(hub.peerNames).toEqual(['north']);
    expect(agent.output()).not.toContain('secret');
    expect(agent.output()).toContain(`"proxy":"127.0.0.1:${proxy.port}"`);
  },
);

test('a proxy that wants another password, and one that refuses the way, are named in the log', async () => {
  await using hub = await startHub();
  await using proxy = await startConnectProxy({ [HOST]: hub.port }, 'me:secret');
  await using wrong = await startBehind({ HTTPS_PROXY: `http://me:wrong@127.0.0.1:${proxy.port}` });
  await wrong.says(/the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) wants a user and a password/);
  await using closed = await startConnectProxy({});
  await using refused = await startBehind({ HTTPS_PROXY: `http://127.0.0.1:${closed.port}` });
  await refused.says(/refuses the way to orchestrator\.sluice\.test:7443: 403 Forbidden/);
  expect(hub.hellos).toHaveLength(0);
});

test('a proxy that cannot be used ends the agent at its start: nothing goes out directly', async () => {
  await using agent = await startBehind({ HTTPS_PROXY: 'https://127.0.0.1:1' });
  expect(await agent.exit).toBe(2);
  expect(agent.output()).toContain('HTTPS_PROXY cannot be used');
});
