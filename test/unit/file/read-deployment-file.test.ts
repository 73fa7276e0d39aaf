import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';
import { renderQuery } from '../../../src/orchestrator/analysis/query-template.ts';
import { ARMORY_VARIABLES } from '../../../src/orchestrator/file/query-problems.ts';
import { showProblem } from '../../../src/orchestrator/file/problem.ts';
import { app, files, good, problems } from './good-file.ts';

describe('a good file', () => {
  const read = readDeploymentFile(good, 'deploy.yaml', files, { context: { team: 'a' } });
  const file = read.ok ? read.file : undefined;

  it('becomes one entry per target, defaults filled in', () => {
    expect(read.ok ? [] : read.problems.map(showProblem)).toEqual([]);
    expect(file).toMatchObject({ application: 'shop', context: { team: 'a' }, ifInProgress: 'reject' });
    expect(file?.targets.map(({ name, account, dependsOn }) => ({ name, account, dependsOn }))).toEqual([
      { name: 'staging', account: 'east', dependsOn: [] },
      { name: 'production', account: 'west', dependsOn: ['staging'] },
    ]);
    expect(file?.targets[0]).toMatchObject({
      readyTimeoutMs: 1_800_000,
      smi: [{ rootServiceName: 'web', trafficSplitName: 'web' }],
      guard: { lostContact: { afterMs: 90_000, do: 'hold' }, minReady: { percent: 50 } },
    });
    expect(file?.targets[0]?.strategy?.steps).toMatchObject([
      { kind: 'setWeight', weight: 0.1 },
      { kind: 'pause', durationMs: 300_000 },
      { kind: 'approval', requiresRoles: ['owner'], expiresAfterMs: 3_600_000 },
      {
        kind: 'analysis',
        queries: [{ name: 'errors', upperLimit: 1, provider: 'prom' }],
        intervalMs: 30_000,
        runs: 3,
        rollBackMode: 'automatic',
        rollForwardMode: 'automatic',
        lookback: 'unset',
        abortOnFailedJudgment: false,
        context: { team: 'a' },
      },
      { kind: 'runJob', name: 'smoke', source: 'jobs/smoke.yaml#1', timeoutMs: 120_000 },
    ]);
  });

  it('puts objects into the namespace of their target, whatever the manifest says, and knows where each was written', () => {
    expect(
      file?.targets[0]?.objects.map(({ object, source }) => [object.kind, object.metadata.namespace, source]),
    ).toEqual([
      ['Deployment', 'shop', 'manifests/app.yaml#1'],
      ['Service', 'shop', 'manifests/app.yaml#2'],
    ]);
  });
});

describe('a file with a surprise', () => {
  it('keeps context variables as they are written', () => {
    const text = good.replace('application: shop', 'application: shop\ncontext: { version: 1.10, on: true, zip: 007 }');
    const read = readDeploymentFile(text, 'deploy.yaml', files);
    expect(read.ok && read.file.context).toEqual({ version: '1.10', on: 'true', zip: '007' });
  });

  it('has no strategy where a target has no Deployment', () => {
    const read = readDeploymentFile(good, 'deploy.yaml', {
      ...files,
      'manifests/app.yaml': app.slice(app.indexOf('---')),
    });
    expect(read.ok && read.file.targets.map(({ strategy }) => strategy)).toEqual([undefined, undefined]);
  });

  it('is told of what is carried out and may not be meant', () => {
    const text = good.replace('        - runJob', '        - setWeight: { weight: 0 }\n        - runJob');
    const read = readDeploymentFile(text, 'deploy.yaml', files);
    expect(read.ok && read.warnings.map(showProblem)).toEqual([
      'deploy.yaml:24:24: weight falls from 0.1 to 0: the canary gives traffic back',
    ]);
  });

  it.each(ARMORY_VARIABLES)('fills in {{armory.%s}}', (variable) => {
    const rendered = renderQuery(`{{armory.${variable}}}`, {
      applicationName: 'shop',
      deploymentId: 'dep_1',
      environmentName: 'staging',
      accountName: 'east',
      namespace: 'shop',
      replicaSetName: 'web-1',
      startMs: 1_000,
      endMs: 61_000,
      context: {},
    });
    expect(rendered).not.toBe('');
  });
});

describe('what is wrong is told with its place, in plain words', () => {
  it.each<[string, [string | RegExp, string], string]>([
    [
      'a misspelt key',
      ['application:', 'aplication:'],
      'deploy.yaml:3:1: unknown key aplication: did you mean application?',
    ],
    ['a weight over 100', ['weight: 0.1', 'weight: 101'], 'deploy.yaml:20:24: weight must be 0 to 100'],
    [
      'a weight finer than a hundredth',
      ['weight: 0.1', 'weight: 0.001'],
      'deploy.yaml:20:24: weight has two decimals at most (0.01 % is the smallest step)',
    ],
    [
      'a unit that is none',
      ['unit: Minutes', 'unit: xseconds'],
      'deploy.yaml:21:33: unit must be one of seconds, minutes, hours',
    ],
    [
      'a short setWeight',
      ['setWeight: { weight: 0.1 }', 'setWeight: 10'],
      'deploy.yaml:20:11: setWeight must be a map: write `setWeight: { weight: 10 }`',
    ],
    [
      'a pause of two kinds',
      ['duration: 5,', 'duration: 5, untilApproved: true,'],
      'deploy.yaml:21:11: untilApproved cannot be set with a duration or a unit: approve, or wait for a time',
    ],
    [
      'an unknown strategy',
      ['strategy: careful', 'strategy: carefull'],
      'deploy.yaml:8:5: there is no strategy carefull (did you mean careful?)',
    ],
    [
      'an unknown query',
      ['queries: [errors]', 'queries: [error]'],
      'deploy.yaml:23:33: query error is not defined in analysis.queries (defined: errors)',
    ],
    [
      'a query without limits',
      [', upperLimit: 1', ''],
      'deploy.yaml:28:7: query errors needs upperLimit, lowerLimit or both: without them everything would pass',
    ],
    [
      'a target that depends on itself',
      ['dependsOn: [staging]', 'dependsOn: [production]'],
      'deploy.yaml:13:20: target production depends on itself',
    ],
    [
      'a target that is not there',
      ['dependsOn: [staging]', 'dependsOn: [stagging]'],
      'deploy.yaml:13:32: there is no target stagging (did you mean staging?)',
    ],
    [
      'a manifest that is not there',
      ['path: manifests', 'path: manifest'],
      "deploy.yaml:15:5: manifest is not there, or holds no .yaml or .yml file (paths begin at the deployment file's folder)",
    ],
    [
      'a URL',
      ['path: manifests', 'path: https://example.com/a.yaml'],
      'deploy.yaml:15:5: not supported yet: manifests from a URL: https://example.com/a.yaml',
    ],
    [
      'no smi',
      [/trafficManagement:[^]*$/, ''],
      'deploy.yaml:8:5: not supported yet: canary without trafficManagement.smi (pod ratio), for target staging',
    ],
    ['istio', ['- smi:', '- istio: []\n    smi:'], 'deploy.yaml:30:5: not supported yet: trafficManagement.istio'],
    [
      'a webhook',
      ['- setWeight: { weight: 0.1 }', '- runWebhook: { name: a }'],
      'deploy.yaml:20:11: not supported yet: runWebhook',
    ],
    [
      'a key of another place',
      ['units: seconds', 'unit: seconds'],
      'deploy.yaml:23:56: unknown key unit: did you mean units?',
    ],
    [
      'a key one level too deep',
      [
        'requiresRoles: [owner], approvalExpiration: { duration: 1,',
        'approvalExpiration: { requiresRoles: [owner], duration: 1,',
      ],
      'deploy.yaml:22:63: unknown key requiresRoles here: it belongs one level up',
    ],
    [
      'a key that is like none',
      ['weight: 0.1', 'share: 0.1'],
      'deploy.yaml:20:24: unknown key share: known here: weight',
    ],
    ['an empty key', ['account: east', 'account:'], 'deploy.yaml:6:5: account is empty: it must be text'],
    [
      'a number for text',
      ['account: east', 'account: 12'],
      'deploy.yaml:6:5: account must be text: put it in quotes, "12"',
    ],
    [
      'a namespace that is none',
      ['namespace: shop', 'namespace: My_Shop'],
      'deploy.yaml:7:5: namespace must be a Kubernetes name: small letters, digits and -, 63 at most',
    ],
    [
      'a canary Service that is the root',
      ['rootServiceName: web', 'rootServiceName: web\n        canaryServiceName: web'],
      'deploy.yaml:32:9: canaryServiceName must be another Service than rootServiceName: web is what clients call',
    ],
    [
      'traffic management without a Service',
      ['  - smi:\n      - rootServiceName: web', '  - targets: [staging]'],
      'deploy.yaml:30:5: an entry of trafficManagement needs smi: the Services to shift',
    ],
    [
      'a folder of Jobs',
      ['path: jobs/smoke.yaml', 'path: .'],
      'deploy.yaml:24:21: runJob runs one Job, and the folder . has 2 files: name one of them',
    ],
    [
      'a path that is a word of JavaScript',
      ['path: manifests', 'path: constructor'],
      "deploy.yaml:15:5: constructor is not there, or holds no .yaml or .yml file (paths begin at the deployment file's folder)",
    ],
    [
      'a context variable without a value',
      ["'sum(x)'", "'sum({{context.metric}})'"],
      "deploy.yaml:23:33: query errors uses {{context.metric}}, and context has no metric: set it in the file's context, in the step's, or with --add-context metric=...",
    ],
    [
      'an unknown variable',
      ["'sum(x)'", "'sum({{armory.replicasetName}})'"],
      'deploy.yaml:28:23: there is no variable {{armory.replicasetName}} (did you mean {{armory.replicaSetName}}?)',
    ],
    ['a secret', ["'sum(x)'", "'sum({{secrets.x}})'"], 'deploy.yaml:28:23: not supported yet: {{secrets.x}}'],
    [
      'a variable of the old syntax',
      ["'sum(x)'", "'sum(${replica-set})'"],
      'deploy.yaml:28:23: not supported yet: the old variable ${replica-set}; write {{armory.X}} or {{context.X}}',
    ],
    [
      'a template that is none',
      ["'sum(x)'", "'sum({{armory.namespace)'"],
      'deploy.yaml:28:23: queryTemplate is no template: Unclosed tag at 23',
    ],
    [
      'a context variable that is no text',
      ['application: shop', 'application: shop\ncontext: { a: [1] }'],
      'deploy.yaml:4:12: a must be text',
    ],
    ['lambda', ['kind: kubernetes', 'kind: lambda'], 'deploy.yaml:2:1: not supported yet: kind: lambda'],
  ])('%s', (_name, [from, to], message) => {
    const text = good.replace(from, to);
    expect(text).not.toBe(good);
    expect(problems(text)).toContain(message);
  });

  it('all at once, from top to bottom', () => {
    const text = good
      .replace('weight: 0.1', 'weight: 400')
      .replace('account: east', 'acount: east')
      .replace('- smi:', '- istio: []\n    smi:');
    expect(problems(text).map((problem) => Number(problem.split(':')[1]))).toEqual([6, 20, 30]);
  });

  it('beside a part that is not supported as well', () => {
    const text = good.replace(
      'constraints: { dependsOn: [staging] }',
      'constraints: { beforeDeployment: [], dependsOn: [production] }',
    );
    expect(problems(text)).toEqual([
      'deploy.yaml:13:20: not supported yet: targets.constraints.beforeDeployment',
      'deploy.yaml:13:42: target production depends on itself',
    ]);
  });

  it('a slip in the syntax once, not once for each bracket', () => {
    expect(problems('['.repeat(10_000)).length).toBeLessThan(3);
  });

  it('in manifests at the line the document begins, whatever stands above it', () => {
    const own = { ...files, 'manifests/b.yaml': '# about it\n---\n# and this\nkind: A\n---\nkind: B\n' };
    expect(problems(good, own).map((problem) => problem.split(':')[1])).toEqual(['4', '6']);
  });

  it('an object that is there twice, by both places', () => {
    const own = { ...files, 'manifests/b.yaml': app.slice(app.indexOf('---')) };
    expect(problems(good, own)).toContain(
      'manifests/b.yaml:2:1: target staging has the Service web twice: here, and at manifests/app.yaml:6:1',
    );
  });

  it('in manifests by file and document', () => {
    const own = {
      ...files,
      'manifests/b.yaml': 'kind: ConfigMap\n---\napiVersion: v1\nkind: Pod\nmetadata: { name: p }\n',
    };
    expect(problems(good, own)).toEqual([
      'manifests/b.yaml:1:1: document 1: a Kubernetes object needs apiVersion, metadata.name',
      'manifests/b.yaml:3:1: document 2: a bare Pod cannot be deployed: nothing would replace it; write a Deployment or a Job',
    ]);
  });

  it('two Deployments in one target by name', () => {
    const own = { ...files, 'manifests/b.yaml': app.replaceAll('web', 'api') };
    expect(problems(good, own)).toContain(
      'deploy.yaml:5:3: not supported yet: two Deployments in one target: web (manifests/app.yaml#1), api (manifests/b.yaml#1)',
    );
  });

  it('targets in one place, unless one waits for the other', () => {
    const text = good
      .replace('account: west', 'account: east')
      .replace('    constraints: { dependsOn: [staging] }\n', '');
    expect(problems(text)).toEqual([
      'deploy.yaml:9:3: targets staging and production are the same place (account east, namespace shop) and may run at once: let one depend on the other',
    ]);
  });
});

describe('whatever comes', () => {
  it('is answered and never thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const read = readDeploymentFile(text, 'deploy.yaml', {});
        expect(read.ok ? 0 : read.problems.length).toBeGreaterThan(0);
      }),
    );
  });

  it('a good file with any one line cut out or doubled is answered too', () => {
    const lines = good.split('\n');
    for (const index of lines.keys()) {
      const cutOut = lines.toSpliced(index, 1).join('\n');
      const doubled = lines.toSpliced(index, 0, lines[index] ?? '').join('\n');
      for (const text of [cutOut, doubled]) expect(() => readDeploymentFile(text, 'deploy.yaml', files)).not.toThrow();
    }
  });
});
