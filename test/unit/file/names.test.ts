/** Names are data: none is lost, confused with another, or left out in silence. */

import { describe, expect, it } from 'vitest';
import { showProblem } from '../../../src/orchestrator/file/problem.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';
import { app, edited, files, good, problems } from './good-file.ts';

describe('kinds of one name in different API groups are different kinds', () => {
  const withManifest = (text: string): Record<string, string> => ({ ...files, 'manifests/b.yaml': text });
  const objectsOf = (text: string): unknown[] => {
    const read = readDeploymentFile(good, 'deploy.yaml', withManifest(text));
    return read.ok ? (read.file.targets[0]?.objects ?? []) : read.problems.map(showProblem);
  };

  it('a foreign Deployment is no second one', () => {
    expect(objectsOf('apiVersion: example.com/v1\nkind: Deployment\nmetadata: { name: other }\n')).toHaveLength(3);
  });

  it('a foreign Deployment asks for no strategy', () => {
    const own = { ...files, 'manifests/app.yaml': app.replace('apps/v1', 'example.com/v1') };
    const read = readDeploymentFile(good, 'deploy.yaml', own);
    expect(read.ok && read.file.targets[0]?.strategy).toBeUndefined();
    expect(read.ok).toBe(true);
  });

  it('a foreign Service of the same name is no second one', () => {
    expect(objectsOf('apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: { name: web }\n')).toHaveLength(3);
  });

  it.each(['Pod', 'ReplicaSet'])('a foreign %s may be deployed', (kind) => {
    expect(objectsOf(`apiVersion: example.com/v1\nkind: ${kind}\nmetadata: { name: web }\n`)).toHaveLength(3);
  });

  it('a foreign kind with the name of a cluster-scoped one has a namespace', () => {
    const of = (apiVersion: string): unknown =>
      objectsOf(`apiVersion: ${apiVersion}\nkind: ClusterRole\nmetadata: { name: r, namespace: n }\n`)[2];
    expect(of('example.com/v1')).toMatchObject({ object: { metadata: { namespace: 'shop' } } });
    expect(of('rbac.authorization.k8s.io/v1')).not.toHaveProperty('object.metadata.namespace');
  });

  it('a foreign Job is no integration test', () => {
    const own = { ...files, 'jobs/smoke.yaml': 'apiVersion: example.com/v1\nkind: Job\nmetadata: { name: smoke }\n' };
    expect(problems(good, own)).toEqual([
      'deploy.yaml:24:11: runJob runs a Job, and jobs/smoke.yaml#1 is a Job (example.com/v1)',
    ]);
  });

  it('a Deployment of an API that is gone says what to write', () => {
    const own = { ...files, 'manifests/app.yaml': app.replace('apps/v1', 'extensions/v1beta1') };
    expect(problems(good, own)).toEqual([
      'manifests/app.yaml:1:1: document 1: extensions/v1beta1 is gone from Kubernetes: write apiVersion: apps/v1',
    ]);
  });
});

describe('a target that no manifest reaches', () => {
  it('is told by name and line', () => {
    expect(problems(edited(['- path: manifests', '- path: manifests\n    targets: [staging]']))).toEqual([
      'deploy.yaml:9:3: target production gets no manifest: every entry of manifests has targets, and none names production; name it in one, or take the target out',
    ]);
  });

  it('is none where one manifest goes everywhere', () => {
    expect(
      problems(edited(['- path: manifests', '- path: manifests\n  - path: jobs\n    targets: [staging]'])),
    ).toEqual([]);
  });
});

describe('a manifest that names a target that is not there', () => {
  it('is warned of: working files comment targets out', () => {
    const text = edited(['- path: manifests', '- path: manifests\n  - { path: jobs, targets: [prod-eu] }']);
    const read = readDeploymentFile(text, 'deploy.yaml', files);
    expect(read.ok && read.warnings.map(showProblem)[0]).toBe(
      'deploy.yaml:16:29: there is no target prod-eu (known: staging, production): this entry does not go there',
    );
  });

  it('is refused where it looks like a slip', () => {
    expect(problems(edited(['- path: manifests', '- path: manifests\n  - { path: jobs, targets: [stagin] }']))).toEqual(
      ['deploy.yaml:16:29: there is no target stagin (did you mean staging?)'],
    );
  });
});

describe('an object that is there twice', () => {
  it('by another version of its API', () => {
    const own = {
      ...files,
      'manifests/b.yaml': 'apiVersion: policy/v1\nkind: A\nmetadata: { name: a }\n',
      'manifests/c.yaml': '---\napiVersion: policy/v1beta1\nkind: A\nmetadata: { name: a }\n',
    };
    expect(problems(good, own)).toEqual([
      'manifests/c.yaml:2:1: target staging has the A a twice: here, and at manifests/b.yaml:1:1',
    ]);
  });

  it('from two namespaces, that become one', () => {
    const own = {
      ...files,
      'manifests/b.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: b }\n',
    };
    expect(problems(good, own)).toEqual([
      "manifests/b.yaml:1:1: target staging has the Service web twice: here, and at manifests/app.yaml:6:1 (the target's namespace goes over those that are written there)",
    ]);
  });

  it('in a List, by its item', () => {
    const item = 'apiVersion: v1\n    kind: A\n    metadata: { name: a }\n';
    const own = { ...files, 'manifests/b.yaml': `apiVersion: v1\nkind: List\nitems:\n  - ${item}  - ${item}` };
    expect(problems(good, own)).toEqual([
      'manifests/b.yaml:7:5: target staging has the A a twice: here, and at manifests/b.yaml:4:5',
    ]);
  });

  it('because a folder and a file of it are named: once, with both entries', () => {
    expect(problems(edited(['- path: manifests', '- path: manifests\n  - path: ./manifests/app.yaml']))).toEqual([
      'deploy.yaml:16:5: target staging gets manifests/app.yaml twice: from manifests[0] and from manifests[1]',
    ]);
  });

  it('only in different targets is none', () => {
    const text = edited([
      '- path: manifests',
      '- { path: manifests, targets: [staging] }\n  - { path: manifests, targets: [production] }',
    ]);
    expect(problems(text)).toEqual([]);
  });
});

describe('words of JavaScript', () => {
  it.each(['constructor', 'toString', 'hasOwnProperty'])('%s is a name like any other', (name) => {
    const text = edited(
      [/staging/g, name],
      [/careful/g, name],
      [/errors/g, name],
      ['application: shop', `application: shop\ncontext: { ${name}: x }`],
      ["'sum(x)'", `'{{context.${name}}}'`],
    );
    const read = readDeploymentFile(text, 'deploy.yaml', files);
    expect(read.ok ? [] : read.problems.map(showProblem)).toEqual([]);
    expect(
      read.ok && read.file.targets.map((target) => [target.name, target.dependsOn, target.strategy?.name]),
    ).toEqual([
      [name, [], name],
      ['production', [name], name],
    ]);
    expect(read.ok && read.file.context).toEqual({ [name]: 'x' });
  });

  it.each<[string, [string, string], string[]]>([
    ['a target', ['staging:', 'constructor:'], ['there is no target staging (known: constructor, production)']],
    ['a key', ['version: v1', 'constructor: v1'], ['unknown key constructor: known here: ']],
    ['a kind of step', ['setWeight:', 'toString:'], ['unknown key toString: known here: setWeight, pause']],
    [
      'a strategy that is not there',
      ['strategy: careful', 'strategy: constructor'],
      ['there is no strategy constructor (known: careful)'],
    ],
    ['a query that is not there', ['queries: [errors]', 'queries: [toString]'], ['query toString is not defined']],
    [
      'a dependency that is not there',
      ['dependsOn: [staging]', 'dependsOn: [valueOf]'],
      ['there is no target valueOf'],
    ],
  ])('%s that is called so is told like the rest', (_name, edit, expected) => {
    const told = problems(edited(edit)).map((problem) => problem.replace(/^[^:]+:\d+:\d+: /, ''));
    expect(told).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(told[index]).toContain(start);
  });

  it.each<[string, [string | RegExp, string], number]>([
    ['a target', ['staging:', '__proto__:'], 5],
    ['a strategy', ['careful:', '__proto__:'], 17],
    ['a context variable', ['application: shop', 'application: shop\ncontext: { __proto__: x }'], 4],
    ['a key of the file', ['version: v1', '__proto__: { version: v1 }'], 1],
    ['a key of a step', ['setWeight: { weight', 'setWeight: { __proto__: 1, weight'], 20],
    ['a path', ['path: manifests', 'path: __proto__'], 15],
  ])('__proto__ is refused by name: as %s', (_name, edit, line) => {
    expect(problems(edited(edit)).find((problem) => problem.includes('__proto__'))).toMatch(
      new RegExp(`^deploy.yaml:${line}:\\d+: the name __proto__ cannot be used: choose another$`),
    );
  });

  it('a kind that is called so is deployed', () => {
    const own = { ...files, 'manifests/b.yaml': 'apiVersion: v1\nkind: constructor\nmetadata: { name: a }\n' };
    expect(problems(good, own)).toEqual([]);
  });

  it('__proto__ in the data of a manifest is kept', () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { __proto__: x }\n';
    const read = readDeploymentFile(good, 'deploy.yaml', { ...files, 'manifests/b.yaml': text });
    expect(read.ok && JSON.stringify(read.file.targets[0]?.objects[2])).toContain('"__proto__":"x"');
  });
});

it('a key that is written as a number and as text is one key', () => {
  expect(problems(edited(['application: shop', 'application: shop\ncontext: { 1: a, "1": b }']))).toEqual([
    'deploy.yaml:4:18: the key "1" is there twice in this map: one of the two would be lost; take one out',
  ]);
});

it('what an alias or a merge brings in is told where it is written', () => {
  const text = edited(
    [/(staging:) *\n/, '$1 &base\n'],
    ['namespace: shop', 'namespace: My_Shop'],
    [/production:\n[^]*?constraints/, 'production:\n    <<: *base\n    account: west\n    constraints'],
  );
  expect(problems(text)).toEqual([
    'deploy.yaml:7:5: namespace must be a Kubernetes name: small letters, digits and -, 63 at most',
  ]);
});
