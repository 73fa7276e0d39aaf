/** One look finds everything: a wrong shape hides no wrong name, and makes up none. */

import { expect, it, describe } from 'vitest';
import { edited, files, problems } from './good-file.ts';

const weight101: [string, string] = ['weight: 0.1', 'weight: 101'];
const weightTold = 'deploy.yaml:20:24: weight must be 0 to 100';

describe('beside a wrong shape is told, from top to bottom,', () => {
  it.each<[string, [string | RegExp, string], string[]]>([
    [
      'a strategy that is not there',
      ['strategy: careful', 'strategy: carefull'],
      ['deploy.yaml:8:5: there is no strategy carefull (did you mean careful?)', weightTold],
    ],
    [
      'a manifest that is not there',
      ['path: manifests', 'path: gone'],
      [
        "deploy.yaml:15:5: gone is not there, or holds no .yaml or .yml file (paths begin at the deployment file's folder)",
        weightTold,
      ],
    ],
    [
      'a query without limits',
      [', upperLimit: 1', ''],
      [
        weightTold,
        'deploy.yaml:28:7: query errors needs upperLimit, lowerLimit or both: without them everything would pass',
      ],
    ],
    [
      'a query that is not defined, in a step that is wrong itself',
      ['queries: [errors], interval: 30', 'queries: [error], interval: 0'],
      [
        weightTold,
        'deploy.yaml:23:33: query error is not defined in analysis.queries (defined: errors)',
        'deploy.yaml:23:41: interval must be at least 1',
      ],
    ],
    [
      'a target that is not there, named by one that is wrong itself',
      [
        'strategy: careful\n    constraints: { dependsOn: [staging] }',
        'strategy: 7\n    constraints: { dependsOn: [stag] }',
      ],
      [
        'deploy.yaml:12:5: strategy must be text: put it in quotes, "7"',
        'deploy.yaml:13:32: there is no target stag (known: staging, production)',
        weightTold,
      ],
    ],
    [
      'what is missing',
      ['application: shop\n', ''],
      [
        'deploy.yaml:1:1: application is missing: name it here or with -n',
        'deploy.yaml:19:24: weight must be 0 to 100',
      ],
    ],
  ])('%s', (_name, edit, expected) => {
    expect(problems(edited(weight101, edit))).toEqual(expected);
  });

  it('an object that is none, in a manifest', () => {
    const own = { ...files, 'manifests/b.yaml': 'kind: ConfigMap\n' };
    expect(problems(edited(weight101), own)).toEqual([
      weightTold,
      'manifests/b.yaml:1:1: document 1: a Kubernetes object needs apiVersion, metadata.name',
    ]);
  });

  it('a key that is there twice, and everything else as well', () => {
    expect(problems(edited(weight101, ['application: shop', 'application: shop\napplication: stop']))).toEqual([
      'deploy.yaml:4:1: the key application is there twice in this map: one of the two would be lost; take one out',
      'deploy.yaml:21:24: weight must be 0 to 100',
    ]);
  });
});

it('a second document, and everything in the first as well', () => {
  expect(problems(edited(weight101, [/$/, '---\nversion: v1\n']))).toEqual([
    weightTold,
    'deploy.yaml:35:1: a deployment file is one document: take out the --- here and what follows it',
  ]);
});

it.each(['', '---\nkind: Service\n'])('a manifest in the place of a deployment file, by one sentence', (more) => {
  expect(problems(`apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: {}\n${more}`)).toEqual([
    'deploy.yaml:1:1: this is a Kubernetes manifest (Deployment), and no deployment file: name it under manifests in one',
  ]);
});

describe('one slip is one problem:', () => {
  it.each<[string, [string | RegExp, string][], string[]]>([
    ['application misspelt', [['application:', 'aplication:']], ['unknown key aplication: did you mean application?']],
    ['account misspelt', [['account: east', 'acount: east']], ['unknown key acount: did you mean account?']],
    ['targets misspelt', [['targets:', 'target:']], ['unknown key target: did you mean targets?']],
    ['manifests misspelt', [['manifests:', 'manifest:']], ['unknown key manifest: did you mean manifests?']],
    ['strategies misspelt', [['strategies:', 'strategys:']], ['unknown key strategys: did you mean strategies?']],
    ['a target that is no map', [[/account: east\n.*\n.*careful/, '7']], ['staging must be a map']],
    ['targets that are none', [[/targets:[^]*?manifests:/, 'targets: 7\nmanifests:']], ['targets must be a map']],
    [
      'a strategy that is empty',
      [[/careful:\n[^]*?analysis:\n/, 'careful:\nanalysis:\n']],
      ['careful is empty: it must be a map'],
    ],
    [
      'strategies that are none',
      [[/strategies:\n[^]*?analysis:\n/, 'strategies: 7\nanalysis:\n']],
      ['strategies must be a map'],
    ],
    ['a step that is none', [['setWeight: { weight: 0.1 }', 'sleep']], ['entry 1 of steps must be a map']],
    [
      'a kind of step that is none',
      [['setWeight:', 'shift:']],
      ['unknown key shift: known here: setWeight, pause, analysis, runJob'],
    ],
    [
      'a pause with a wrong unit',
      [['unit: Minutes', 'unit: xseconds']],
      ['unit must be one of seconds, minutes, hours'],
    ],
    ['a query without a name', [['name: errors, queryTemplate', 'queryTemplate']], ['name is missing']],
    ['a query that is none', [[/- \{ name: errors.*/, '- errors']], ['entry 1 of queries must be a map']],
    ['a limit that is none', [['upperLimit: 1', 'upperLimit: one']], ['upperLimit must be a number']],
    ['a misspelt limit', [['upperLimit: 1', 'uperLimit: 1']], ['unknown key uperLimit: did you mean upperLimit?']],
    ['a manifest that is none', [['- path: manifests', '- manifests']], ['entry 1 of manifests must be a map']],
    [
      'a manifest by another word',
      [['- path: manifests', '- file: manifests']],
      ['unknown key file: known here: path, inline, targets'],
    ],
    ['smi that is none', [[/smi:\n.*/, 'smi: web']], ['smi must be a list']],
    ['smi misspelt', [['smi:', 'sim:']], ['unknown key sim: known here: targets, smi']],
    [
      'an smi entry without its Service',
      [['rootServiceName:', 'service:']],
      [
        'rootServiceName is missing',
        'unknown key service: known here: rootServiceName, canaryServiceName, trafficSplitName, retain',
      ],
    ],
    [
      'targets of a manifest that are none',
      [['- path: manifests', '- path: manifests\n    targets: staging']],
      ['targets must be a list'],
    ],
    [
      'a misspelt target of the only manifest',
      [['- path: manifests', '- path: manifests\n    targets: [stagin, production]']],
      ['there is no target stagin (did you mean staging?)'],
    ],
    [
      'a context variable that is none',
      [
        ['application: shop', 'application: shop\ncontext: { metric: [1] }'],
        ["'sum(x)'", "'{{context.metric}}'"],
      ],
      ['metric must be text'],
    ],
    [
      'a timeout by another unit',
      [['application: shop', 'application: shop\ndeploymentConfig: { timeout: { duration: 30, unit: sec } }']],
      ['unit must be one of seconds, minutes, hours, none'],
    ],
  ])('%s', (_name, edits, expected) => {
    expect(problems(edited(...edits)).map((problem) => problem.replace(/^[^:]+:\d+:\d+: /, ''))).toEqual(expected);
  });
});
