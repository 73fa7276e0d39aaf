/** What the agent's doctor makes of what it found. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { judgeKinds, judgeMesh, judgeNamespace } from '../../../src/agent/doctor/judge-cluster.ts';
import { judgeConnection } from '../../../src/agent/doctor/judge-connection.ts';
import { judgeCredential } from '../../../src/agent/doctor/judge-credential.ts';
import { judgeHub } from '../../../src/agent/doctor/judge-hub.ts';
import { judgeRights, rulesToReview } from '../../../src/agent/doctor/judge-rights.ts';
import { judgeOwnObject, ownObjects } from '../../../src/agent/doctor/own-objects.ts';
import { NEEDED_RIGHTS } from '../../../src/agent/doctor/needed-rights.ts';
import type { Findings } from '../../../src/agent/stream/probe.ts';
import { readProxy } from '../../../src/agent/stream/proxy.ts';
import { neededAccess } from '../../../src/orchestrator/plan/access.ts';

const nowMs = Date.UTC(2026, 10, 24);
const DAY = 86_400_000;
const states = (checks: { id: string; state: string }[]): string[] => checks.map(({ id, state }) => `${id} ${state}`);

describe('rights', () => {
  const served = new Map([
    [
      '',
      new Map([
        ['Pod', 'pods'],
        ['ConfigMap', 'configmaps'],
      ]),
    ],
    ['apps', new Map([['Deployment', 'deployments']])],
  ]);
  const rights = [
    { group: '', kinds: ['Pod', 'Pod/log', 'ConfigMap'], verbs: ['get', 'patch'] as const },
    { group: 'apps', kinds: ['Deployment'], verbs: ['patch'] as const },
    { group: 'linkerd.io', kinds: ['ServiceProfile'], verbs: ['get'] as const },
  ];

  test('each verb of the policy is asked about, of kinds that are served, by the name of the resource', () => {
    const asked = rulesToReview(rights, served, {}).map(({ resource, verb }) => `${verb} ${resource}`);
    expect(asked.join(', ')).toBe(
      'get pods, patch pods, get pods/log, patch pods/log, get configmaps, patch configmaps, patch deployments',
    );
    expect(rulesToReview(rights, served, { readOnly: true }).map(({ verb }) => verb)).toEqual(['get', 'get', 'get']);
    expect(rulesToReview(undefined, served, {})).toHaveLength(3 + 1 + 6);
  });

  test('one that a canary needs fails, one for manifests alone is to be looked at', () => {
    const asked = rulesToReview(rights, served, {});
    const denied = asked.filter(
      ({ resource, verb }) => verb === 'patch' && resource !== 'pods' && resource !== 'pods/log',
    );
    const checks = judgeRights('shop', asked, denied, 'system:serviceaccount:sluice:agent');
    expect(states(checks)).toEqual(['rights/shop/configmaps warn', 'rights/shop/deployments.apps fail']);
    expect(checks[1]?.detail).toBe('may not patch deployments.apps in namespace shop');
    expect(checks[1]?.hint).toContain('apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]');
    expect(states(judgeRights('shop', asked, [], ''))).toEqual(['rights/shop ok']);
    expect(judgeRights('shop', asked, asked, '')[0]?.hint).toContain('allowedNamespaces');
  });

  test('what a canary needs is what a run asks for, and what the chart grants', async () => {
    const listed = (await readFile(join(import.meta.dirname, '../../../helm/agent/values.yaml'))).toString();
    const chart = (parse(listed) as { rights: { group: string; kinds: Record<string, string>; verbs: string[] }[] })
      .rights;
    const granted = chart.flatMap(({ group, kinds, verbs }) =>
      Object.keys(kinds).flatMap((kind) => verbs.map((verb) => `${verb} ${group}/${kind}`)),
    );
    const needed = NEEDED_RIGHTS.flatMap(({ group, kinds, verbs }) =>
      kinds.flatMap((kind) => verbs.map((verb) => `${verb} ${group}/${kind}`)),
    );
    expect(needed.filter((each) => !granted.includes(each))).toEqual([]);
    const plural = (kind: string): string => kind.replace(/^([A-Za-z]+)/, (name) => `${name.toLowerCase()}s`);
    const asked = neededAccess({ isFirst: true, hasSplit: true, hasRoutes: true, hasProfiles: true, hasJobs: false });
    const known = new Set(
      NEEDED_RIGHTS.flatMap(({ kinds, verbs }) =>
        kinds.flatMap((kind) => verbs.map((verb) => `${verb} ${plural(kind)}`)),
      ),
    );
    expect(asked.filter(({ verb, resource }) => !known.has(`${verb} ${resource}`))).toEqual([]);
  });
});

describe('the way to the orchestrator', () => {
  const target = {
    server: 'sluice.example:8443',
    serverName: undefined,
    plaintext: false,
    proxy: undefined,
    ca: 'pem',
  };
  const expected = { target, own: undefined, nowMs };
  const certificate = {
    subject: 'CN=sluice-orchestrator',
    issuer: 'CN=Sluice',
    names: 'DNS:sluice.example',
    validFromMs: nowMs - DAY,
    validToMs: nowMs + 300 * DAY,
  };
  const dns = { name: 'sluice.example', addresses: ['10.1.2.3'] };
  const tcp = { tried: [{ address: '10.1.2.3:8443' }], open: '10.1.2.3:8443' };
  const answer = { status: 200, contentType: 'application/grpc' };
  const whole: Findings = { dns, tcp, tls: { certificate }, http2: { settled: true, alpn: 'h2', answer } };
  const unknown = { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND sluice.example' };
  const refused = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' };

  test.each<[string, Findings, string[]]>([
    ['whole', whole, ['dns ok', 'proxy ok', 'tcp ok', 'tls ok', 'grpc ok']],
    ['no name', { dns: { ...dns, addresses: [], failure: unknown } }, ['dns fail', 'proxy ok']],
    [
      'no port',
      { dns, tcp: { tried: [{ address: '10.1.2.3:8443', failure: refused }] } },
      ['dns ok', 'proxy ok', 'tcp fail'],
    ],
    [
      'another CA',
      { dns, tcp, tls: { certificate, distrust: 'SELF_SIGNED_CERT_IN_CHAIN' } },
      ['dns ok', 'proxy ok', 'tcp ok', 'tls fail'],
    ],
    [
      'no gRPC',
      { ...whole, http2: { settled: true, alpn: 'h2', answer: { status: 404, contentType: 'text/html' } } },
      ['dns ok', 'proxy ok', 'tcp ok', 'tls ok', 'grpc fail'],
    ],
    [
      'our certificate is not taken',
      { ...whole, http2: { settled: false, alpn: 'h2', failure: { code: 'CLOSED', message: 'closed' } } },
      ['dns ok', 'proxy ok', 'tcp ok', 'tls fail'],
    ],
  ])('%s', (_what, findings, said) => {
    const checks = judgeConnection(findings, expected);
    expect(states(checks)).toEqual(said);
    for (const { state, hint } of checks) expect(hint !== '').toBe(state === 'fail');
  });

  test('a certificate of the orchestrator that ends soon is told before it ends', () => {
    const soon = { ...whole, tls: { certificate: { ...certificate, validToMs: nowMs + 2 * DAY } } };
    expect(states(judgeConnection(soon, expected))).toContain('tls warn');
  });

  test('a proxy is named, also where it is not used; one that refuses fails', () => {
    const proxy = readProxy({ HTTPS_PROXY: 'http://user:secret@proxy.example:3128' });
    const via = { ...expected, target: { ...target, proxy } };
    const [, used] = judgeConnection({ ...whole, tunnel: { status: 200, reason: 'OK' } }, via);
    expect(used?.detail).toBe('sluice.example:8443 is reached through proxy.example:3128 (HTTPS_PROXY)');
    const checks = judgeConnection({ dns, tcp, tunnel: { status: 403, reason: 'Forbidden' } }, via);
    expect(states(checks)).toEqual(['dns ok', 'proxy fail', 'tcp ok']);
    expect(JSON.stringify(checks)).not.toContain('secret');
    const except = readProxy({ HTTPS_PROXY: 'http://proxy.example:3128', NO_PROXY: '.example' });
    const direct = judgeConnection(whole, { ...expected, target: { ...target, proxy: except } });
    expect(direct[1]?.detail).toContain('reached without it');
  });
});

test.each<[string, Parameters<typeof judgeHub>[0], string[]]>([
  [
    'a revoked credential',
    { code: status.UNAUTHENTICATED, details: 'The credential of east is revoked.' },
    ['auth fail'],
  ],
  ['another protocol', { code: status.FAILED_PRECONDITION, details: 'Upgrade the agent.' }, ['protocol fail']],
  ['too many questions', { code: status.RESOURCE_EXHAUSTED, details: 'Too many.' }, ['auth warn']],
  ['an older orchestrator', { code: status.UNIMPLEMENTED, details: '' }, ['auth warn']],
  ['silence', { code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' }, ['auth fail']],
  [
    'taken, a clock 10 minutes off, no agent connected',
    {
      account: 'east',
      protocol: 3,
      orchestratorVersion: '0.1.0',
      connected: false,
      serverTimeMs: nowMs + 600_050,
      sentMs: nowMs,
      receivedMs: nowMs + 100,
    },
    ['auth ok', 'protocol ok', 'session warn', 'clock warn'],
  ],
])('the orchestrator answers: %s', (_what, answer, said) => {
  expect(states(judgeHub(answer))).toEqual(said);
});

describe('the credential', () => {
  const certificate = {
    commonName: 'east',
    validFromMs: nowMs - DAY,
    validToMs: nowMs + 60 * DAY,
    matchesKey: true,
    signedByCa: true,
  };
  test.each([
    ['whole', { certificate }, ['credential ok', 'certificate ok']],
    ['a token alone', { hasToken: true }, ['credential ok']],
    ['nothing', {}, ['credential fail']],
    ['another key', { certificate: { ...certificate, matchesKey: false } }, ['credential fail']],
    ['another CA', { certificate: { ...certificate, signedByCa: false } }, ['credential fail']],
    ['over', { certificate: { ...certificate, validToMs: nowMs - 1 } }, ['credential ok', 'certificate fail']],
    ['not renewed', { certificate: { ...certificate, validToMs: nowMs + DAY } }, ['credential ok', 'certificate warn']],
  ])('%s', (_what, facts, said) => {
    const found = { path: '/etc/sluice', hasToken: false, certificate: undefined, ...facts };
    expect(states(judgeCredential(found, nowMs))).toEqual(said);
  });
});

describe('the cluster', () => {
  const mesh = new Map([
    ['split.smi-spec.io', ['v1alpha4', 'v1alpha2']],
    ['gateway.networking.k8s.io', ['v1']],
    ['linkerd.io', ['v1alpha2']],
  ]);
  const shop = { name: 'shop', object: 'there' as const, inject: 'enabled', pods: { total: 3, meshed: 3 } };

  test('kinds of the mesh: served, absent, or served in versions that Linkerd does not read', () => {
    expect(states(judgeKinds(mesh))).toEqual(['crd/TrafficSplit ok', 'crd/HTTPRoute ok', 'crd/ServiceProfile ok']);
    const checks = judgeKinds(new Map([['split.smi-spec.io', ['v1alpha4']]]));
    expect(states(checks)).toEqual(['crd/TrafficSplit warn', 'crd/HTTPRoute warn', 'crd/ServiceProfile warn']);
    expect(checks[0]?.detail).toContain('served in v1alpha4 alone');
  });

  test('pods without a proxy are counted, with the way to get one', () => {
    expect(judgeMesh(shop, mesh).state).toBe('ok');
    const some = judgeMesh({ ...shop, pods: { total: 3, meshed: 1 } }, mesh);
    expect(some).toMatchObject({
      state: 'warn',
      detail: '1 of 3 pods have a Linkerd proxy, the namespace asks for enabled',
    });
    expect(some.hint).toContain('kubectl -n shop rollout restart');
    expect(judgeMesh({ ...shop, inject: undefined, pods: { total: 1, meshed: 0 } }, mesh).hint).toContain('annotate');
    expect(judgeMesh(shop, new Map()).detail).toContain('no Linkerd');
  });

  test('a namespace that cannot be read is there if the agent has rights in it', () => {
    const dark = { ...shop, object: 'unreadable' as const };
    expect([judgeNamespace(dark, true).state, judgeNamespace(dark, false).state]).toEqual(['ok', 'fail']);
    expect(judgeNamespace({ ...shop, object: 'absent' }, true).hint).toContain('kubectl create namespace shop');
  });
});

test('its own Secret and Lease are asked about where it has them, and a missing right says what stops', () => {
  const file = { kind: 'file', path: '/etc/sluice' } as const;
  expect(ownObjects({ credential: file, lease: undefined })).toEqual([]);
  const secret = { kind: 'secret', namespace: 'sluice', name: 'agent', joinTokenFile: undefined } as const;
  const lease = { namespace: 'sluice', name: 'agent', pod: 'agent-1', leaseMs: 15_000 };
  const own = ownObjects({ credential: secret, lease });
  expect(own.map((object) => judgeOwnObject(object, [], '').detail)).toEqual([
    'may get, create, patch secrets/agent in namespace sluice',
    'may get, watch, patch leases/agent in namespace sluice',
  ]);
  const denied = own.map((object) => judgeOwnObject(object, ['patch'], 'system:serviceaccount:sluice:agent'));
  expect(states(denied)).toEqual(['secret fail', 'lease fail']);
  expect(denied[0]?.detail).toContain('not renewed');
  expect(denied[1]?.hint).toContain('resourceNames: ["agent"], verbs: ["patch"]');
});
