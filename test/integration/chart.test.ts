/** The agent's chart as real Helm renders it: no right that is not listed, no install without namespaces. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/agent/operations/policy.ts';
import { readPolicyFile } from '../../src/agent/policy-file.ts';
import { neededAccess, type Needs } from '../../src/orchestrator/plan/access.ts';
import { program } from '../cluster/programs.ts';
import { environmentOf, refusalOf, render, type PodSpec, type Rendered } from '../support/rendered.ts';

beforeAll(async () => void (await program('helm')), 900_000);

const twoNamespaces = { allowedNamespaces: ['shop', 'payments'] };
const oneNamespace = { allowedNamespaces: ['shop'] };

function podOf(objects: readonly Rendered[]): PodSpec {
  const pod = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec;
  if (pod === undefined) throw new Error('The chart renders no Deployment.');
  return pod;
}

/** Rights that are bound to no name. */
function rulesOf(objects: readonly Rendered[]): NonNullable<Rendered['rules']> {
  return objects.flatMap(({ rules = [] }) => rules).filter(({ resourceNames }) => resourceNames === undefined);
}

/** The rendered policy, as the agent itself reads it. */
function policyOf(objects: readonly Rendered[]): Omit<Policy, 'allowedNamespaces'> {
  const text = objects.find(({ kind }) => kind === 'ConfigMap')?.data?.['policy.json'] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chart-'));
  try {
    const path = join(folder, 'policy.json');
    writeFileSync(path, text);
    return readPolicyFile(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('helm/agent', () => {
  it('refuses to be installed without namespaces, and says how to name them', async () => {
    const refusal = await refusalOf('agent', {});
    expect(refusal).toContain('allowedNamespaces is empty');
    expect(refusal).toContain("--set 'allowedNamespaces={shop,payments}'");
  });

  it('gives rights in the listed namespaces only, to its own ServiceAccount only', async () => {
    const objects = await render('agent', twoNamespaces);
    expect(objects.map(({ kind }) => kind).filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding');
    expect(bindings.map(({ metadata }) => metadata.namespace)).toEqual(['sluice', 'shop', 'payments']);
    for (const { subjects } of bindings) {
      expect(subjects).toEqual([
        { kind: 'ServiceAccount', name: podOf(objects).serviceAccountName, namespace: 'sluice' },
      ]);
    }
    const roles = objects.filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['sluice', 'shop', 'payments']);
    // Where it lives it may touch what is its own, by name.
    for (const rule of roles
      .filter(({ metadata }) => metadata.namespace === 'sluice')
      .flatMap(({ rules = [] }) => rules))
      expect(rule.resourceNames).toEqual([expect.stringMatching(/^sluice-agent/)]);
  });

  it('names every right: no wildcard, no secrets but its own, nothing that could widen them', async () => {
    const rules = rulesOf(await render('agent', twoNamespaces));
    expect(rules.length).toBeGreaterThan(10);
    const words = rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);
    for (const word of words) expect(word).not.toContain('*');
    const forbidden = [
      'secrets',
      'roles',
      'rolebindings',
      'pods/exec',
      'nodes/proxy',
      'escalate',
      'bind',
      'impersonate',
    ];
    expect(words.filter((word) => forbidden.includes(word))).toEqual([]);
  });

  it('grants all that the pre-flight of any run asks for', async () => {
    const rules = rulesOf(await render('agent', oneNamespace));
    const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    );
    const everything: Needs = { isFirst: true, hasSplit: true, hasRoutes: true, hasProfiles: true, hasJobs: true };
    const needed = neededAccess(everything).map(({ group, resource, verb }) => `${verb} ${resource}.${group}`);
    expect(granted).toEqual(expect.arrayContaining(needed));
  });

  it.each([
    [{ Anything: '*' }, 'get'],
    [{ ConfigMap: 'configmaps' }, '*'],
    [{ ConfigMap: 'configmaps' }, 'escalate'],
    [{ Secret: 'secrets' }, 'get'],
    [{ Role: 'roles' }, 'create'],
    [{ 'Pod/exec': 'pods/exec' }, 'create'],
  ])('refuses a wildcard, and what would let it read credentials or widen its rights: %j, %s', async (kinds, verb) => {
    const extraRights = [{ group: '', kinds, verbs: [verb] }];
    expect(await refusalOf('agent', { ...twoNamespaces, extraRights })).toContain('extraRights');
  });

  it('tells the agent, for what it refuses by itself, the very rights that its Role has', async () => {
    for (const readOnly of [false, true]) {
      const objects = await render('agent', { ...oneNamespace, policy: { readOnly } });
      const role = rulesOf(objects);
      const policy = policyOf(objects);
      expect(policy.rights?.map(({ group, verbs }) => [group, verbs])).toEqual(
        role.map(({ apiGroups, verbs }) => [apiGroups[0], verbs]),
      );
      expect(policy.rights?.flatMap(({ kinds }) => kinds)).toHaveLength(
        role.flatMap(({ resources }) => resources).length,
      );
      const isWriter = role.some(({ verbs }) => verbs.includes('patch'));
      expect(isWriter).toBe(!readOnly);
    }
  });

  it('hands the rest of the policy on as it is set, in a form that the agent takes', async () => {
    const policy = { maxReplicas: 7, protectedNames: ['Service/payments-*'], http: ['https://hooks.example/deploy'] };
    expect(policyOf(await render('agent', { ...twoNamespaces, policy }))).toMatchObject({
      ...policy,
      readOnly: false,
      scrapePorts: [4191],
    });
    expect(policyOf(await render('agent', twoNamespaces))).not.toHaveProperty('maxReplicas');
  });

  it('tells the agent the same namespaces that it has rights in', async () => {
    const environment = environmentOf(await render('agent', twoNamespaces));
    expect(environment['SLUICE_ALLOWED_NAMESPACES']).toBe('shop,payments');
    expect(environment['SLUICE_SERVER']).toBeUndefined();
  });

  it('takes the address of the orchestrator from the credential unless one is given, and then without a scheme', async () => {
    const server = { address: 'sluice.example.com:7443' };
    const given = await render('agent', { ...twoNamespaces, server });
    expect(environmentOf(given)['SLUICE_SERVER']).toBe('sluice.example.com:7443');
    const withScheme = { address: 'https://sluice.example.com' };
    expect(await refusalOf('agent', { ...twoNamespaces, server: withScheme })).toContain('server/address');
  });

  it('runs without root, capabilities or a writable root file system', async () => {
    const pod = podOf(await render('agent', twoNamespaces));
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('prefers a digest to a tag, and refuses values that it does not know', async () => {
    const image = { digest: `sha256:${'a'.repeat(64)}`, tag: '1.2.3' };
    const pod = podOf(await render('agent', { ...twoNamespaces, image }));
    expect(pod.containers[0]?.image).toBe(`sluice-agent@${image.digest}`);
    expect(await refusalOf('agent', { ...twoNamespaces, allowNamespaces: ['shop'] })).toContain('allowNamespaces');
  });
});
