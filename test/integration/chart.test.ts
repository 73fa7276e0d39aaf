/** The agent's chart as real Helm renders it: no right that is not listed, no install without namespaces. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Policy } from '../../src/agent/operations/policy.ts';
import { readPolicyFile } from '../../src/agent/policy-file.ts';
import { neededAccess, type Needs } from '../../src/orchestrator/plan/access.ts';
import { program } from '../cluster/programs.ts';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Rendered {
  kind: string;
  metadata: { name: string; namespace: string };
  rules?: Rule[];
  data?: Record<string, string>;
  subjects?: { kind: string; name: string; namespace: string }[];
  spec?: { template: { spec: PodSpec } };
}

interface PodSpec {
  serviceAccountName: string;
  containers: { image: string; env: { name: string; value: string }[]; securityContext: object }[];
  securityContext: object;
}

const chart = join(import.meta.dirname, '../../helm/agent');
let helm: string;

beforeAll(async () => {
  helm = await program('helm');
}, 900_000);

function run(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(helm, args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

function render(...args: string[]): Rendered[] {
  const { status, output } = run('template', 'agent', chart, '--namespace', 'sluice', ...args);
  expect({ status, output }).toMatchObject({ status: 0 });
  return parseAllDocuments(output).map((document) => document.toJS() as Rendered);
}

const twoNamespaces = ['--set', 'allowedNamespaces={shop,payments}'];

function podOf(objects: Rendered[]): PodSpec {
  const pod = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template.spec;
  if (pod === undefined) throw new Error('The chart renders no Deployment.');
  return pod;
}

function environmentOf(pod: PodSpec): Record<string, string> {
  return Object.fromEntries(pod.containers[0]?.env.map(({ name, value }) => [name, value]) ?? []);
}

/** The rendered policy, as the agent itself reads it. */
function policyOf(objects: Rendered[]): Omit<Policy, 'allowedNamespaces'> {
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
  it('passes the linter', () => {
    const { status, output } = run('lint', '--strict', chart, ...twoNamespaces);
    expect({ status, output }).toMatchObject({ status: 0 });
  });

  it('refuses to be installed without namespaces, and says how to name them', () => {
    const { status, output } = run('template', 'agent', chart);
    expect(status).not.toBe(0);
    expect(output).toContain('allowedNamespaces is empty');
    expect(output).toContain("--set 'allowedNamespaces={shop,payments}'");
  });

  it('gives rights in the listed namespaces only, to its own ServiceAccount only', () => {
    const objects = render(...twoNamespaces);
    expect(objects.map(({ kind }) => kind).filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding');
    expect(bindings.map(({ metadata }) => metadata.namespace)).toEqual(['shop', 'payments']);
    for (const { subjects } of bindings) {
      expect(subjects).toEqual([
        { kind: 'ServiceAccount', name: podOf(objects).serviceAccountName, namespace: 'sluice' },
      ]);
    }
    const roles = objects.filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['shop', 'payments']);
  });

  it('names every right: no wildcard, no secrets, nothing that could widen them', () => {
    const rules = render(...twoNamespaces).flatMap(({ rules = [] }) => rules);
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

  it('grants all that the pre-flight of any run asks for', () => {
    const rules = render('--set', 'allowedNamespaces={shop}').flatMap(({ rules = [] }) => rules);
    const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    );
    const everything: Needs = { isFirst: true, hasSplit: true, hasRoutes: true, hasProfiles: true, hasJobs: true };
    const needed = neededAccess(everything).map(({ group, resource, verb }) => `${verb} ${resource}.${group}`);
    expect(granted).toEqual(expect.arrayContaining(needed));
  });

  it('refuses a wildcard, and what would let it read credentials or widen its rights, in the extra rights', () => {
    const right = (kinds: object, verbs: string[]): { status: number | null; output: string } =>
      run(
        'template',
        'agent',
        chart,
        ...twoNamespaces,
        '--set-json',
        `extraRights=${JSON.stringify([{ group: '', kinds, verbs }])}`,
      );
    expect(right({ ConfigMap: 'configmaps' }, ['get']).status).toBe(0);
    for (const refused of [
      right({ Anything: '*' }, ['get']),
      right({ ConfigMap: 'configmaps' }, ['*']),
      right({ ConfigMap: 'configmaps' }, ['escalate']),
      right({ Secret: 'secrets' }, ['get']),
      right({ Role: 'roles' }, ['create']),
      right({ 'Pod/exec': 'pods/exec' }, ['create']),
    ]) {
      expect(refused.status).not.toBe(0);
      expect(refused.output).toMatch(/extraRights/);
    }
  });

  it('tells the agent, for what it refuses by itself, the very rights that its Role has', () => {
    for (const more of [[], ['--set', 'policy.readOnly=true']]) {
      const objects = render('--set', 'allowedNamespaces={shop}', ...more);
      const role = objects.find(({ kind }) => kind === 'Role')?.rules ?? [];
      const policy = policyOf(objects);
      expect(policy.rights?.map(({ group, verbs }) => [group, verbs])).toEqual(
        role.map(({ apiGroups, verbs }) => [apiGroups[0], verbs]),
      );
      expect(policy.rights?.flatMap(({ kinds }) => kinds)).toHaveLength(
        role.flatMap(({ resources }) => resources).length,
      );
      const isWriter = role.some(({ verbs }) => verbs.includes('patch'));
      expect(isWriter).toBe(more.length === 0);
    }
  });

  it('hands the rest of the policy on as it is set, in a form that the agent takes', () => {
    const set =
      'policy.maxReplicas=7,policy.protectedNames={Service/payments-*},policy.http={https://hooks.example/deploy}';
    expect(policyOf(render(...twoNamespaces, '--set', set))).toMatchObject({
      maxReplicas: 7,
      protectedNames: ['Service/payments-*'],
      readOnly: false,
      http: ['https://hooks.example/deploy'],
      scrapePorts: [4191],
    });
    expect(policyOf(render(...twoNamespaces))).not.toHaveProperty('maxReplicas');
  });

  it('tells the agent the same namespaces that it has rights in', () => {
    const environment = environmentOf(podOf(render(...twoNamespaces)));
    expect(environment['SLUICE_ALLOWED_NAMESPACES']).toBe('shop,payments');
    expect(environment['SLUICE_SERVER']).toBeUndefined();
  });

  it('takes the address of the orchestrator from the credential unless one is given, and then without a scheme', () => {
    const given = render(...twoNamespaces, '--set', 'server.address=sluice.example.com:7443');
    expect(environmentOf(podOf(given))['SLUICE_SERVER']).toBe('sluice.example.com:7443');
    const { status } = run(
      'template',
      'agent',
      chart,
      ...twoNamespaces,
      '--set',
      'server.address=https://sluice.example.com',
    );
    expect(status).not.toBe(0);
  });

  it('runs without root, capabilities or a writable root file system', () => {
    const pod = podOf(render(...twoNamespaces));
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

  it('prefers a digest to a tag, and refuses values that it does not know', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const pod = podOf(render(...twoNamespaces, '--set', `image.digest=${digest},image.tag=1.2.3`));
    expect(pod.containers[0]?.image).toBe(`sluice-agent@${digest}`);
    const { status, output } = run('template', 'agent', chart, ...twoNamespaces, '--set', 'allowNamespaces={shop}');
    expect(status).not.toBe(0);
    expect(output).toContain('allowNamespaces');
  });
});
