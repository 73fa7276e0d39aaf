import { describe, expect, it, test } from 'vitest';
import { showProblem } from '../../../src/orchestrator/file/problem.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';

const deployment = `version: v1
application: shop
targets: { staging: { account: east, namespace: shop } }
manifests: [{ path: app.yaml }]
`;
const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n';
const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\n';

function read(manifest: string): unknown[] {
  const result = readDeploymentFile(deployment, 'deploy.yaml', { 'app.yaml': manifest });
  return result.ok
    ? (result.file.targets[0]?.objects ?? []).map(({ object }) => object)
    : result.problems.map(showProblem);
}

describe('a manifest is read as kubectl reads it', () => {
  it('a number that begins with 0 is octal, and text in quotes is text', () => {
    expect(read(`${head}modes: [0400, 0644, "0400", 0, 10, 0.5]\n`)).toEqual([
      expect.objectContaining({ modes: [256, 420, '0400', 0, 10, 0.5] }),
    ]);
  });

  it('a merge key takes in what it names', () => {
    expect(read(`${head}one: &one { a: 1 }\ntwo: { <<: *one, b: 2 }\n`)).toEqual([
      expect.objectContaining({ two: { a: 1, b: 2 } }),
    ]);
  });
});

describe('a document that cannot be read is told, not left out in silence', () => {
  it.each([
    ['an alias of nothing', 'data: *nil', 'app.yaml:4:7: the alias *nil names nothing: there is no &nil above it'],
    [
      'too many aliases',
      `x: &x { a: 1 }\ny: [${'*x,'.repeat(150)}]`,
      'app.yaml:1:1: what its aliases (*name) stand for is too much, or never ends: about 100 are allowed',
    ],
  ])('%s', (_, line, message) => {
    const [first, ...more] = read(`${head}${line}\n---\n${service}`);
    expect(first).toContain(message);
    expect(more).toEqual([]);
  });

  it('a template that was not filled in', () => {
    expect(read(head.replace('name: c', 'name: {{ .Values.name }}'))).toEqual([
      'app.yaml:3:20: a key must be text, not a map or a list: put what begins with {, [ or * in quotes (a {{ }} of a template must be filled in before)',
    ]);
  });

  it('an empty name', () => {
    expect(read(head.replace('name: c', 'name: ""'))).toEqual([
      'app.yaml:1:1: document 1: a Kubernetes object needs metadata.name',
    ]);
  });
});

test('of a Secret among the manifests it is said that its data is kept, once, and never what it is', () => {
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: db }\nstringData: { password: planted }\n';
  const targets = 'targets: { a: { account: e, namespace: s }, b: { account: w, namespace: s } }';
  const file = deployment.replace(/targets: .*/, targets);
  const result = readDeploymentFile(file, 'deploy.yaml', { 'app.yaml': `${secret}---\n${service}` });
  const warnings = result.ok ? result.warnings.map(showProblem) : [];
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^deploy\.yaml:\d+:\d+: Secret db \(app\.yaml.*\): its data is kept with the deployment/);
  expect(warnings[0]).not.toContain('planted');
});
