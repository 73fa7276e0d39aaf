/** What the charts make of values: settings that the programs take, and for what cannot work a message that says what to set. */

import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { readProxy } from '../../src/agent/stream/proxy.ts';
import { readConfig } from '../../src/orchestrator/config.ts';
import { program } from '../cluster/programs.ts';
import { chart } from '../support/helm.ts';
import { environmentOf, refusalOf, render } from '../support/rendered.ts';

let helm: string;

beforeAll(async () => {
  helm = await program('helm');
}, 900_000);

it.each(['agent', 'orchestrator'] as const)('helm/%s passes the linter', (name) => {
  const args = ['lint', '--strict', chart(name), '--set', 'allowedNamespaces={shop}'].slice(
    0,
    name === 'agent' ? 5 : 3,
  );
  expect(spawnSync(helm, args, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

/** The orchestrator's configuration by the chart, beside what its image sets. */
async function configOf(values: object): Promise<ReturnType<typeof readConfig>> {
  const environment = environmentOf(await render('orchestrator', values));
  const ofImage = { SLUICE_DATA_DIR: '/var/lib/sluice', SLUICE_API_ADDRESS: '0.0.0.0:8080' };
  return readConfig({ ...ofImage, SLUICE_AGENT_ADDRESS: '0.0.0.0:8443', ...environment });
}

describe('helm/orchestrator', () => {
  it('sets what the orchestrator takes: TLS by the built-in authority, at the names of its Services', async () => {
    expect(await configOf({})).toMatchObject({
      databaseUrl: undefined,
      api: { publicUrl: 'https://sluice-orchestrator.sluice.svc:8080', requiresToken: true, tls: { kind: 'builtIn' } },
      agents: { publicAddress: 'sluice-orchestrator-agents.sluice.svc:8443', plaintext: false },
      run: { drainMs: 3_000 },
      retention: { historyDays: 90, workDays: 7 },
    });
  });

  it('hands on what is set', async () => {
    const values = {
      agents: {
        publicAddress: 'agents.example.com:443',
        tls: { existingSecret: 'agents-tls' },
        caSecret: 'agents-ca',
        certificateDays: 7,
        install: { chart: 'oci://registry.example/sluice-agent', image: 'registry.example/sluice-agent' },
      },
      api: { publicUrl: 'https://sluice.example.com', tls: { existingSecret: 'api-tls' } },
      metricProviders: { prometheus: 'http://prometheus:9090', mimir: 'https://mimir.example/prometheus' },
      run: { drainSeconds: 0.2 },
      retention: { historyDays: 30, workDays: 3 },
      log: { level: 'debug', format: 'pretty' },
    };
    expect(await configOf(values)).toMatchObject({
      api: {
        publicUrl: 'https://sluice.example.com',
        tls: { kind: 'files', certFile: '/etc/sluice/api-tls/tls.crt', keyFile: '/etc/sluice/api-tls/tls.key' },
      },
      agents: {
        publicAddress: 'agents.example.com:443',
        tls: { certFile: '/etc/sluice/agents-tls/tls.crt', keyFile: '/etc/sluice/agents-tls/tls.key' },
        caFile: '/etc/sluice/agents-ca/ca.crt',
        certificateMs: 7 * 24 * 60 * 60 * 1000,
        install: { chart: 'oci://registry.example/sluice-agent', image: 'registry.example/sluice-agent' },
      },
      metricProviders: [
        { name: 'mimir', url: 'https://mimir.example/prometheus' },
        { name: 'prometheus', url: 'http://prometheus:9090' },
      ],
      run: { drainMs: 200 },
      retention: { historyDays: 30, workDays: 3 },
      log: { level: 'debug', format: 'pretty' },
    });
  });

  it('takes the URL of a database from the Secret that is named, and never from the values', async () => {
    const objects = await render('orchestrator', { database: { existingSecret: 'database', key: 'uri' } });
    expect(environmentOf(objects)['DATABASE_URL']).toBe('Secret database/uri');
    const refusal = await refusalOf('orchestrator', { database: { url: 'postgresql://sluice:secret@db/sluice' } });
    expect(refusal).toContain("additional properties 'url' not allowed");
  });

  it('speaks without TLS only where a proxy is said to end it', async () => {
    expect(await configOf({ api: { tls: { enabled: false } } })).toMatchObject({ api: { tls: { kind: 'off' } } });
    const refusal = await refusalOf('orchestrator', { api: { tls: { enabled: false, existingSecret: 'api-tls' } } });
    expect(refusal).toContain('api.tls.enabled is false: take one of them back');
  });

  it('serves agents without TLS only behind a proxy, which has an address', async () => {
    const agents = { behindProxy: true, publicAddress: 'agents.example.com:443' };
    expect(await configOf({ agents })).toMatchObject({ agents: { plaintext: true, behindProxy: true } });
    const refusal = await refusalOf('orchestrator', { agents: { behindProxy: true } });
    expect(refusal).toContain('--set agents.publicAddress=');
    const tls = { existingSecret: 'agents-tls' };
    expect(await refusalOf('orchestrator', { agents: { ...agents, tls } })).toContain('take one of them back');
  });

  it('says of an Ingress what it lacks', async () => {
    expect(await refusalOf('orchestrator', { api: { ingress: { enabled: true } } })).toContain(
      '--set api.ingress.host=sluice.example.com',
    );
    const agents = { ingress: { enabled: true, host: 'agents.example.com' } };
    expect(await refusalOf('orchestrator', { agents })).toContain('--set agents.publicAddress=agents.example.com:443');
  });

  it.each([
    ['a scheme before an address', { agents: { publicAddress: 'https://agents.example.com:443' } }, 'publicAddress'],
    ['a provider without a scheme', { metricProviders: { prometheus: 'prometheus:9090' } }, 'metricProviders'],
    ['a size that is none', { persistence: { size: '2 GB' } }, 'persistence/size'],
    ['a drain longer than ten minutes', { run: { drainSeconds: 601 } }, 'run/drainSeconds'],
    ['a value that it does not know', { replicaCount: 2 }, "additional properties 'replicaCount' not allowed"],
  ])('refuses %s, by name', async (_, values, named) => {
    expect(await refusalOf('orchestrator', values)).toContain(named);
  });
});

describe('helm/agent', () => {
  const allowedNamespaces = ['shop'];

  it('sets a proxy in a way that the agent takes, and that wins over what a platform sets in every pod', async () => {
    const proxy = { httpsProxy: 'http://proxy.example:3128', noProxy: '.svc' };
    const environment = environmentOf(await render('agent', { allowedNamespaces, proxy }));
    const found = readProxy({ ...environment, HTTP_PROXY: 'http://other:1' });
    expect(found?.url.host).toBe('proxy.example:3128');
    expect(found?.except).toEqual([{ kind: 'domain', domain: 'svc', onlyBelow: true }]);
    expect(environment).toMatchObject({ HTTPS_PROXY: proxy.httpsProxy, https_proxy: proxy.httpsProxy });
  });

  it('takes a password of a proxy from a Secret alone', async () => {
    const objects = await render('agent', { allowedNamespaces, proxy: { existingSecret: 'proxy' } });
    expect(environmentOf(objects)).toMatchObject({ HTTPS_PROXY: 'Secret proxy/url', https_proxy: 'Secret proxy/url' });
    const inline = { httpsProxy: 'http://user:secret@proxy.example:3128' };
    expect(await refusalOf('agent', { allowedNamespaces, proxy: inline })).toContain('--set proxy.existingSecret=');
    const both = { httpsProxy: 'http://proxy.example:3128', existingSecret: 'proxy' };
    expect(await refusalOf('agent', { allowedNamespaces, proxy: both })).toContain('are both set');
  });

  it('lets the agent out, by its network policy, to nothing but what it works with', async () => {
    const networkPolicy = {
      enabled: true,
      server: { cidrs: ['203.0.113.7/32'], ports: [443] },
      apiServer: { cidrs: ['10.0.0.4/32'], ports: [6443] },
    };
    const objects = await render('agent', { allowedNamespaces, networkPolicy });
    expect(objects.find(({ kind }) => kind === 'NetworkPolicy')?.spec).toMatchObject({
      policyTypes: ['Egress'],
      egress: [
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
        { ports: [{ port: 443 }], to: [{ ipBlock: { cidr: '203.0.113.7/32' } }] },
        { ports: [{ port: 6443 }], to: [{ ipBlock: { cidr: '10.0.0.4/32' } }] },
        {
          ports: [{ port: 4191 }],
          to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }],
        },
      ],
    });
  });
});
