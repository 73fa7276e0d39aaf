import { ServerCredentials } from '@grpc/grpc-js';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import { createAuthority } from '../cluster/certificates.ts';
import type { Authority } from '../cluster/certificates.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import { startAgentProcess } from '../support/agent-process.ts';
import { configMap } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';

let plane: ControlPlane;
let folder: string;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'agent');
});

afterAll(async () => plane?.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-agent-process-'));
});

afterEach(async () => rm(folder, { recursive: true, force: true }));

describe('the agent as a process', () => {
  test('a wrong configuration ends it with code 2 and all problems, in lines for people', async () => {
    const { exit, output } = startAgentProcess({ SLUICE_SERVER: 'https://hub', SLUICE_SERVRE: 'x' });
    expect(await exit).toBe(2);
    expect(output()).toMatch(/configuration is wrong:\n/);
    expect(output().match(/^ {2}- /gm)?.length).toBeGreaterThanOrEqual(4);
    expect(output()).not.toContain('    at ');
  });

  test('SIGTERM ends it with code 0 soon after, everything told', async () => {
    await using hub = await new SmallHub().listen();
    const path = join(folder, 'credential.json');
    await writeFile(path, JSON.stringify({ account: 'north', token: 'secret-token', server: `127.0.0.1:${hub.port}` }));
    const { kill, exit, output } = startAgentProcess({
      SLUICE_SERVER: `127.0.0.1:${hub.port}`,
      SLUICE_INSECURE_LOOPBACK: '1',
      SLUICE_CREDENTIAL_FILE: path,
      SLUICE_ALLOWED_NAMESPACES: 'shop',
      SLUICE_KUBECONFIG: plane.kubeconfig,
    });
    await hub.connected();
    await hub.value('shop', { kind: 'apply', objects: [configMap('by-process', {})] });
    kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(hub.drained).toBe(true);
    const messages = output()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages).toEqual(['agent started', 'session started', 'agent drains', 'agent stopped']);
    expect(output()).not.toContain('secret-token');
  });
});

describe('with TLS', () => {
  let authority: Authority;

  beforeAll(async () => {
    authority = await createAuthority();
  });

  async function startHub(): Promise<SmallHub> {
    const server = await authority.server(['localhost', '127.0.0.1']);
    const pair = { cert_chain: Buffer.from(server.certificate), private_key: Buffer.from(server.key) };
    const credentials = ServerCredentials.createSsl(Buffer.from(authority.certificate), [pair], true);
    return new SmallHub({ credentials }).listen();
  }

  function startFor(hub: SmallHub, credential: Record<string, string>) {
    const { kubeconfig } = plane;
    const config = { plaintext: false };
    return startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig, namespaces: ['shop'], credential, config });
  }

  test('the hub sees the certificate whose common name is the account', async () => {
    await using hub = await startHub();
    const { certificate, key } = await authority.client('north');
    await using _agent = await startFor(hub, {
      account: 'north',
      certificate,
      key,
      ca: authority.certificate,
      token: 't',
    });
    await hub.connected();
    expect(hub.peerNames).toEqual(['north']);
  });

  test('a hub that another CA signed is not spoken to, and the agent says so', async () => {
    await using hub = await startHub();
    const stranger = await createAuthority();
    const { certificate, key } = await authority.client('north');
    await using agent = await startFor(hub, { account: 'north', certificate, key, ca: stranger.certificate });
    const lastError = async (): Promise<string> =>
      ((await (await fetch(`http://127.0.0.1:${agent.healthPort}/status`)).json()) as { lastError: string }).lastError;
    await until('it says so', async () => (await lastError()).includes('shows the certificate'));
    expect(await lastError()).toContain("not signed by the CA in the agent's credential");
    expect(hub.hellos).toEqual([]);
  });
});

describe('in a pod', () => {
  test('it uses the ServiceAccount, and a token that is renewed under it', async () => {
    await using hub = await new SmallHub().listen();
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] }];
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop';
    await plane.api.call('POST', `${rbac}/roles`, { metadata: { name: 'agent' }, rules });
    await plane.api.call('POST', `${rbac}/rolebindings`, {
      metadata: { name: 'agent' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' },
      subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'shop' }],
    });
    const authorityData = /certificate-authority-data["']?: *["']?([A-Za-z0-9+/=]+)/.exec(
      await readFile(plane.kubeconfig, 'utf8'),
    )?.[1];
    await writeFile(join(folder, 'ca.crt'), Buffer.from(authorityData ?? '', 'base64'));
    await writeFile(join(folder, 'token'), await plane.token('shop', 'agent'));
    const { port } = new URL(plane.url);
    await using _agent = await startAgent({
      server: `127.0.0.1:${hub.port}`,
      kubeconfig: '',
      namespaces: ['shop'],
      config: { cluster: { kind: 'inCluster', host: '127.0.0.1', port, folder } },
    });
    await hub.connected();
    const apply = { kind: 'apply' as const, objects: [configMap('by-pod', {})] };
    expect(await hub.run('shop', apply)).toMatchObject({ state: 'succeeded' });
    const secret = { kind: 'get' as const, object: { apiVersion: 'v1', kind: 'Secret', name: 'x' } };
    expect(await hub.run('shop', secret)).toMatchObject({ state: 'failed', code: 'FORBIDDEN' });

    await writeFile(join(folder, 'token'), 'expired');
    // The old token is still used, until the server refuses it or a minute is over.
    await using again = await startAgent({
      server: `127.0.0.1:${hub.port}`,
      kubeconfig: '',
      namespaces: ['shop'],
      config: { cluster: { kind: 'inCluster', host: '127.0.0.1', port, folder } },
    });
    await hub.until('the other agent', () => hub.hellos.length === 2);
    await hub.connected();
    expect(again.healthPort).toBeGreaterThan(0);
    const refused = await hub.run('shop', apply);
    expect(refused).toMatchObject({ state: 'failed', code: 'FORBIDDEN' });
    expect(refused.message).toContain('token is not accepted');
    await writeFile(join(folder, 'token'), await plane.token('shop', 'agent'));
    expect(await hub.run('shop', apply)).toMatchObject({ state: 'succeeded' });
  });
});
