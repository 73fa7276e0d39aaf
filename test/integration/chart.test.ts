/** The agent's chart as real Helm renders it: no right that is not listed, no install without namespaces. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
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

  it('refuses a wildcard in the extra rules', () => {
    const rule = JSON.stringify([{ apiGroups: ['apps'], resources: ['*'], verbs: ['get'] }]);
    const { status, output } = run(
      'template',
      'agent',
      chart,
      ...twoNamespaces,
      '--set-json',
      `rbac.extraRules=${rule}`,
    );
    expect(status).not.toBe(0);
    expect(output).toContain('extraRules');
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
