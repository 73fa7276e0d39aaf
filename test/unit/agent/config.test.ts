import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isLoopback, readConfig } from '../../../src/agent/config.ts';

const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
const good = { SLUICE_CREDENTIAL_FILE: '/run/credential.json', SLUICE_ALLOWED_NAMESPACES: 'shop, bank' };

describe('the configuration', () => {
  test('of a pod: the ServiceAccount, defaults, a frozen result', () => {
    const config = readConfig({ ...inPod, ...good, PATH: '/bin' });
    expect(config).toMatchObject({
      server: undefined,
      plaintext: false,
      credential: { kind: 'file', path: '/run/credential.json' },
      cluster: { kind: 'inCluster', host: '10.96.0.1', port: '443' },
      policy: { allowedNamespaces: ['shop', 'bank'] },
      reconnectMaxMs: 60_000,
      healthAddress: undefined,
      log: { format: 'json', level: 'info' },
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('all problems are told at once, unknown names among them', () => {
    const read = () => readConfig({ SLUICE_SERVER: 'https://x:1', SLUICE_SERVR: 'x:1', SLUICE_LOG_LEVEL: 'loud' });
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG' }));
    for (const part of [
      /SLUICE_SERVER must be host:port/,
      /SLUICE_SERVR/,
      /SLUICE_LOG_LEVEL/,
      /SLUICE_ALLOWED_NAMESPACES is not set/,
      /CREDENTIAL_FILE/,
      /SLUICE_KUBECONFIG/,
    ]) {
      expect(read).toThrow(part);
    }
  });

  test('without TLS only to loopback, and the address has to say so', () => {
    const plain = { ...inPod, ...good, SLUICE_INSECURE_LOOPBACK: '1' };
    expect(readConfig({ ...plain, SLUICE_SERVER: '127.0.0.1:7443' }).plaintext).toBe(true);
    expect(() => readConfig({ ...plain, SLUICE_SERVER: 'hub.example.com:7443' })).toThrow(/loopback/);
    expect(() => readConfig(plain)).toThrow(/loopback/);
  });

  test('a Lease is one with a namespace and a pod, and with client-go’s fifteen seconds', () => {
    const lease = { SLUICE_LEASE_NAME: 'sluice-agent', SLUICE_NAMESPACE: 'sluice', SLUICE_POD_NAME: 'sluice-agent-1' };
    expect(readConfig({ ...inPod, ...good }).lease).toBeUndefined();
    expect(readConfig({ ...inPod, ...good, ...lease }).lease).toEqual({
      name: 'sluice-agent',
      namespace: 'sluice',
      pod: 'sluice-agent-1',
      leaseMs: 15_000,
    });
    expect(readConfig({ ...inPod, ...good, ...lease, SLUICE_LEASE_SECONDS: '3' }).lease?.leaseMs).toBe(3000);
    expect(() => readConfig({ ...inPod, ...good, ...lease, SLUICE_POD_NAME: '' })).toThrow(/SLUICE_POD_NAME/);
    expect(() => readConfig({ ...inPod, ...good, ...lease, SLUICE_LEASE_NAME: 'A b' })).toThrow(/SLUICE_LEASE_NAME/);
  });

  test.each([':8080', '0.0.0.0:8080', '[::1]:0'])('a health address %s', (address) => {
    expect(readConfig({ ...inPod, ...good, SLUICE_HEALTH_ADDRESS: address }).healthAddress?.port).toBe(
      Number(address.split(':').at(-1)),
    );
  });
});

test.each([
  ['127.0.0.1:1', true],
  ['127.8.8.8:1', true],
  ['localhost:1', true],
  ['[::1]:1', true],
  ['127.0.0.1.example.com:1', false],
  ['localhost.example.com:1', false],
  ['10.0.0.1:1', false],
  ['', false],
])('%s is loopback: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

describe('the policy file', () => {
  function withPolicy(text: string): Record<string, string> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-policy-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'policy.json');
    writeFileSync(path, text);
    return {
      SLUICE_POLICY_FILE: path,
      SLUICE_CREDENTIAL_FILE: '/c',
      SLUICE_ALLOWED_NAMESPACES: 'shop',
      SLUICE_KUBECONFIG: '/k',
    };
  }

  test('narrows what the agent does', () => {
    const { policy } = readConfig(withPolicy('{"maxReplicas":5,"http":["https://hooks.example/deploy"]}'));
    expect(policy).toEqual({ allowedNamespaces: ['shop'], maxReplicas: 5, http: ['https://hooks.example/deploy'] });
  });

  test.each([
    ['what is no JSON', '{'],
    ['an unknown rule', '{"maxReplica":5}'],
    ['a wildcard verb', '{"rights":[{"group":"","kinds":["Pod"],"verbs":["*"]}]}'],
    ['a URL with a user', '{"http":["https://me@hooks.example"]}'],
  ])('%s ends the agent: half a policy is none', (_what, text) => {
    expect(() => readConfig(withPolicy(text))).toThrow(/SLUICE_POLICY_FILE\) cannot be used/);
  });
});
