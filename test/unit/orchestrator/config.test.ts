/** The orchestrator's settings: defaults, all faults at once, and no plaintext but on loopback. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatAddress, parseAddress, readConfig } from '../../../src/orchestrator/config.ts';

test('without any setting it serves loopback, over TLS, from the home folder', () => {
  expect(readConfig({ PATH: '/bin' })).toEqual({
    dataDir: join(homedir(), '.local', 'share', 'sluice'),
    databaseUrl: undefined,
    api: {
      address: { host: '127.0.0.1', port: 8080 },
      publicUrl: undefined,
      requiresToken: false,
      tls: { kind: 'off' },
    },
    agents: {
      address: { host: '127.0.0.1', port: 8443 },
      publicAddress: undefined,
      plaintext: false,
      behindProxy: false,
      tls: undefined,
      caFile: undefined,
      certificateMs: 30 * 86_400_000,
      install: { chart: 'helm/agent', image: undefined },
    },
    metricProviders: [],
    run: { drainMs: 3_000 },
    retention: { historyDays: 90, workDays: 7 },
    log: { level: 'info', format: 'json' },
  });
});

test.each(['main=htp://me:planted@p.example', 'main=me:pl=an@planted@p.example', 'me:planted@p.example'])(
  'a metric provider that cannot be read is shown without its password: %s',
  (entry) => {
    expect(() => readConfig({ SLUICE_METRIC_PROVIDERS: entry })).toThrow(/\*\*\*@p\.example/);
    expect(() => readConfig({ SLUICE_METRIC_PROVIDERS: entry })).not.toThrow(/planted/);
  },
);

test.each([
  ['0', 0],
  ['0.2', 200],
  ['2.001', 2_001],
  ['600', 600_000],
])('the last requests to pods have %s seconds', (text, drainMs) => {
  expect(readConfig({ SLUICE_DRAIN_SECONDS: text }).run.drainMs).toBe(drainMs);
});

test.each(['-1', '600.1', '601', '3s', '1e2', '0.0005', ' '])('a drain of %j seconds is refused', (text) => {
  const message = 'SLUICE_DRAIN_SECONDS must be a number of seconds from 0 to 600';
  expect(() => readConfig({ SLUICE_DRAIN_SECONDS: text })).toThrow(message);
});

test('metric providers are a list of names and addresses', () => {
  const config = readConfig({ SLUICE_METRIC_PROVIDERS: 'main=http://prometheus:9090, other=https://p.example/base' });
  expect(config.metricProviders).toEqual([
    { name: 'main', url: 'http://prometheus:9090' },
    { name: 'other', url: 'https://p.example/base' },
  ]);
});

test('all faults are told at once, unknown settings by name; those of other programs are left alone', () => {
  const read = (): unknown =>
    readConfig({
      DATABASE_URL: 'mysql://x',
      SLUICE_API_ADDRESS: 'https://x:1',
      SLUICE_METRIC_PROVIDERS: 'prometheus:9090',
      SLUICE_DATADIR: '/data',
      SLUICE_CREDENTIAL_FILE: "an agent's",
      SLUICE_LOG_LEVEL: 'loud',
    });
  for (const name of [
    'DATABASE_URL',
    'SLUICE_API_ADDRESS',
    'SLUICE_METRIC_PROVIDERS',
    'SLUICE_DATADIR',
    'SLUICE_LOG_LEVEL',
  ]) {
    expect(read).toThrow(name);
  }
  expect(read).not.toThrow('SLUICE_CREDENTIAL_FILE');
});

test.each(['0.0.0.0:8443', '10.1.2.3:8443', 'example.com:1'])('plaintext on %s is refused', (address) => {
  expect(() => readConfig({ SLUICE_AGENT_PLAINTEXT: '1', SLUICE_AGENT_ADDRESS: address })).toThrow('loopback');
});

test.each(['127.0.0.1:1', '[::1]:1', 'localhost:1'])('plaintext on %s is served', (address) => {
  expect(readConfig({ SLUICE_AGENT_PLAINTEXT: '1', SLUICE_AGENT_ADDRESS: address }).agents.plaintext).toBe(true);
});

test.each(['127.0.0.1:80', '[::1]:443', 'sluice.example:1'])('%s reads as an address and back', (text) => {
  const address = parseAddress(text);
  expect(address && formatAddress(address)).toBe(text);
});

const pair = { SLUICE_API_TLS_CERT_FILE: '/tls/tls.crt', SLUICE_API_TLS_KEY_FILE: '/tls/tls.key' };
const files = { kind: 'files', certFile: '/tls/tls.crt', keyFile: '/tls/tls.key' };

test.each([
  ['127.0.0.1:80', {}, { kind: 'off' }, false],
  ['127.0.0.1:80', { SLUICE_API_AUTH: 'required' }, { kind: 'off' }, true],
  ['127.0.0.1:80', pair, files, false],
  ['0.0.0.0:80', {}, { kind: 'builtIn' }, true],
  ['10.0.0.1:80', pair, files, true],
  ['[::]:80', { SLUICE_API_TLS: 'off' }, { kind: 'off' }, true],
])('the API at %s with %j has TLS and tokens where others reach it', (address, more, tls, requiresToken) => {
  const { api } = readConfig({ SLUICE_API_ADDRESS: address, ...more });
  expect([api.tls, api.requiresToken]).toEqual([tls, requiresToken]);
});

test('a certificate without its key, and one for an API without TLS, are refused', () => {
  expect(() => readConfig({ SLUICE_API_TLS_KEY_FILE: '/tls/tls.key' })).toThrow('go together');
  expect(() => readConfig({ ...pair, SLUICE_API_TLS: 'off' })).toThrow('unset one of them');
});

test.each(['sluice.example.com', 'ftp://x', 'https://x/base'])('%s is no address of the API', (text) => {
  expect(() => readConfig({ SLUICE_API_PUBLIC_URL: text })).toThrow('SLUICE_API_PUBLIC_URL must be an address');
});
