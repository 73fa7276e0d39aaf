/** The agent's doctor against a real API server and a real hub: all well, and each thing that can be wrong once. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../../src/agent/config.ts';
import { newKey, requestFor } from '../../src/agent/enrol/key-request.ts';
import { examine } from '../../src/agent/doctor/examine.ts';
import { NEEDED_RIGHTS } from '../../src/agent/doctor/needed-rights.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import { revokeAgent } from '../../src/orchestrator/store/agents.ts';
import type { Check } from '../../src/shared/check.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/mesh/install-crds.ts';
import { HubBench } from '../support/hub-bench.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

const bench = new HubBench();
let plane: ControlPlane;
let scratch: Scratch;
let kubeconfig: string;

beforeAll(async () => {
  plane = await startControlPlane();
  scratch = makeScratch('doctor');
  kubeconfig = await plane.kubeconfigFor('sluice', 'agent');
  for (const name of ['shop', 'bare']) {
    await make('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await grant('shop', rulesOf(NEEDED_RIGHTS));
}, 300_000);

beforeEach(() => bench.restart({ tls: true }));

afterAll(async () => {
  await plane?.stop();
  await scratch?.remove();
});

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

function rulesOf(rights: typeof NEEDED_RIGHTS): Rule[] {
  const resourceOf = (kind: string): string => {
    const [name = '', below] = kind.split('/');
    return `${name.toLowerCase()}s${below === undefined ? '' : `/${below}`}`;
  };
  return rights.map(({ group, kinds, verbs }) => ({
    apiGroups: [group],
    resources: kinds.map(resourceOf),
    verbs: [...verbs],
  }));
}

async function grant(namespace: string, rules: Rule[]): Promise<void> {
  const base = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: 'agent', namespace };
  await plane.api.call('DELETE', `${base}/roles/agent`);
  await make(`${base}/roles`, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' };
  const subjects = [{ kind: 'ServiceAccount', name: 'agent', namespace: 'sluice' }];
  const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef, subjects };
  await plane.api.call('POST', `${base}/rolebindings`, binding);
}

async function make(path: string, object: object): Promise<void> {
  const { status, body } = await plane.api.call('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(body)}`);
}

interface Patient {
  credential?: Record<string, string>;
  env?: Record<string, string>;
}

async function doctor({ credential = {}, env = {} }: Patient = {}): Promise<Check[]> {
  const file = join(scratch.folder, 'credential.json');
  await writeFile(file, JSON.stringify({ ...bench.east, ...credential }), { mode: 0o600 });
  const config = readConfig({
    SLUICE_SERVER: `127.0.0.1:${bench.server.port}`,
    SLUICE_CREDENTIAL_FILE: file,
    SLUICE_KUBECONFIG: kubeconfig,
    SLUICE_ALLOWED_NAMESPACES: 'shop',
    ...env,
  });
  return examine(config);
}

const ids = (checks: Check[], state: Check['state']): string[] =>
  checks.filter((check) => check.state === state).map(({ id }) => id);
const find = (checks: Check[], id: string): Check | undefined => checks.find((check) => check.id === id);

test('without the mesh it says which kinds are missing and what that costs', async () => {
  const checks = await doctor();
  expect(ids(checks, 'fail')).toEqual([]);
  expect(find(checks, 'crd/TrafficSplit')).toMatchObject({
    state: 'warn',
    detail: expect.stringContaining('split.smi-spec.io is not served') as string,
    hint: expect.stringContaining('linkerd-smi') as string,
  });
  expect(find(checks, 'mesh/shop')).toMatchObject({ state: 'warn' });
});

test('all well: every line is ok, and the agent that runs keeps its session', async () => {
  await installCrds(plane.api);
  const { ca, certificate, key } = bench.east;
  const running = await bench.dial({ tls: { ca, certificate, key } }).hello().welcomed();
  const checks = await doctor();
  expect(checks.filter(({ state }) => state !== 'ok')).toEqual([]);
  const expected = ['configuration', 'credential', 'certificate', 'dns', 'proxy', 'tcp', 'tls', 'grpc', 'auth'];
  expected.push(
    'protocol',
    'session',
    'clock',
    'kubernetes',
    'crd/TrafficSplit',
    'crd/HTTPRoute',
    'crd/ServiceProfile',
  );
  expected.push('namespace/shop', 'rights/shop', 'mesh/shop');
  expect(checks.map(({ id }) => id)).toEqual(expected);
  expect(find(checks, 'tls')?.detail).toContain('issued by CN=Sluice');
  expect([running.goAway, running.end]).toEqual([undefined, undefined]);
});

test('a missing right is told with its verb, its resource, its namespace and what to set', async () => {
  const rules = rulesOf(NEEDED_RIGHTS).map((rule) =>
    rule.resources.includes('trafficsplits') ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'patch') } : rule,
  );
  await grant('shop', rules);
  const checks = await doctor({ env: { SLUICE_ALLOWED_NAMESPACES: 'shop,bare,nowhere' } });
  await grant('shop', rulesOf(NEEDED_RIGHTS));
  expect(ids(checks, 'fail')).toEqual([
    'rights/shop/trafficsplits.split.smi-spec.io',
    'namespace/bare',
    'namespace/nowhere',
  ]);
  const missing = find(checks, 'rights/shop/trafficsplits.split.smi-spec.io');
  expect(missing?.detail).toBe('may not patch trafficsplits.split.smi-spec.io in namespace shop');
  expect(missing?.hint).toContain('rbac.create');
  expect(missing?.hint).toContain('system:serviceaccount:sluice:agent');
  expect(missing?.hint).toContain('resources: ["trafficsplits"], verbs: ["patch"]');
  expect(find(checks, 'namespace/bare')?.hint).toContain('allowedNamespaces');
});

test('the Lease it is elected by is asked about by its name', async () => {
  const rules = [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: ['agent'], verbs: ['get', 'watch'] },
  ];
  await grant('sluice', rules);
  const env = { SLUICE_LEASE_NAME: 'agent', SLUICE_NAMESPACE: 'sluice', SLUICE_POD_NAME: 'agent-1' };
  const checks = await doctor({ env });
  expect(ids(checks, 'fail')).toEqual(['lease']);
  expect(find(checks, 'lease')?.detail).toBe(
    'may not patch leases/agent in namespace sluice: no agent is elected, so none acts',
  );
});

test('a CA that did not sign the orchestrator, and a credential that is revoked, are each named', async () => {
  const dataDir = join(scratch.folder, 'foreign');
  const foreign = await loadAuthority({ dataDir, hosts: [], now: Date.now });
  const wrong = await doctor({ credential: { ca: foreign.ca } });
  expect(ids(wrong, 'fail')).toEqual(['credential', 'tls']);
  const stranger = await foreign.issueAgent('east');
  const { certificate, key } = stranger;
  const elsewhere = await doctor({ credential: { ca: foreign.ca, certificate, key } });
  expect(ids(elsewhere, 'fail')).toEqual(['tls']);
  expect(find(elsewhere, 'tls')?.detail).toContain('CN=sluice-orchestrator');

  await revokeAgent(bench.store, 'east');
  const revoked = await doctor();
  expect(ids(revoked, 'fail')).toEqual(['auth']);
  expect(find(revoked, 'auth')?.detail).toContain('The credential of east is revoked');
  expect(find(revoked, 'auth')?.hint).toContain('sluice agents add');
});

test('a certificate that has ended and an orchestrator whose clock is off are told with dates and minutes', async () => {
  const key = await newKey();
  const { certificate } = await bench.authority.signAgent('east', requestFor(key), -60_000);
  const over = await doctor({ credential: { certificate, key } });
  expect(find(over, 'certificate')).toMatchObject({
    state: 'fail',
    detail: expect.stringMatching(/^the certificate of account east expired on 20\d\d-/) as string,
    hint: expect.stringContaining('sluice agents add') as string,
  });
  expect(over.some(({ id, state }) => id === 'session' && state === 'ok')).toBe(false);

  const clock = { ...systemClock, now: () => Date.now() + 600_000 };
  await bench.restart({ tls: true, clock });
  const off = await doctor();
  expect(find(off, 'clock')).toMatchObject({
    state: 'warn',
    detail: "the orchestrator's clock is 10 min ahead of this machine's",
  });
});

test('an orchestrator that is away and a cluster that is away leave the rest to be looked at', async () => {
  const { port } = bench.server;
  await bench.server.stop();
  const away = await doctor({ env: { SLUICE_SERVER: `127.0.0.1:${port}` } });
  expect(ids(away, 'fail')).toEqual(['tcp']);
  expect(find(away, 'rights/shop')?.state).toBe('ok');
  const lost = await doctor({ env: { SLUICE_KUBECONFIG: join(scratch.folder, 'none') } });
  expect(ids(lost, 'fail')).toEqual(['tcp', 'kubernetes']);
});
