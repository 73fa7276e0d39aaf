/** What is wrong inside of an inline manifest is told with its line and column in the deployment file. */

import { expect, it } from 'vitest';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';
import { problems } from './good-file.ts';

const head = `version: v1
application: shop
targets: { staging: { account: east, namespace: shop } }
manifests:
`;
const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n';
const inBlock = (text: string, indent: string): string => text.replaceAll(/^(?=.)/gm, indent);

it.each<[string, string, string[]]>([
  [
    'a literal block',
    `  - inline: |\n${inBlock(`${map}---\nkind: Pod\n`, '      ')}`,
    ['deploy.yaml:10:7: document 2: a Kubernetes object needs apiVersion, metadata.name'],
  ],
  [
    'a literal block with a comment, an anchor, empty lines and an indentation of its own',
    `  - inline: &text |2- # what it is\n\n\n${inBlock('kind: Pod\n', '      ')}`,
    ['deploy.yaml:8:7: document 1: a Kubernetes object needs apiVersion, metadata.name'],
  ],
  [
    'a literal block whose YAML is none',
    `  - inline: |\n${inBlock(`${map}data: { a: [1 }\n`, '        ')}`,
    ['deploy.yaml:9:23: this is no YAML: this [ is not closed: its ] is missing, or begins a line too far left'],
  ],
  [
    'an alias to a literal block',
    `  - inline: &text |\n${inBlock('kind: Pod\n', '      ')}  - inline: *text\n`,
    ['deploy.yaml:6:7: document 1: a Kubernetes object needs apiVersion, metadata.name'],
  ],
  [
    'text in one line, in quotes or without',
    `  - inline: "  { kind: Pod }"\n  - inline: '{ kind: Pod }'\n`,
    [
      'deploy.yaml:5:16: document 1: a Kubernetes object needs apiVersion, metadata.name',
      'deploy.yaml:6:14: document 1: a Kubernetes object needs apiVersion, metadata.name',
    ],
  ],
  [
    'quoted text of several lines, whose lines are not those of the file',
    `  - inline: "${(map + '---\nkind: Pod\n').replaceAll('\n', '\\n')}"\n`,
    [
      'deploy.yaml:5:13: line 5 of the inline manifest: document 2: a Kubernetes object needs apiVersion, metadata.name',
    ],
  ],
  [
    'folded text',
    `  - inline: >\n      kind:\n      Pod\n`,
    [
      'deploy.yaml:5:13: line 1 of the inline manifest: document 1: a Kubernetes object needs apiVersion, metadata.name',
    ],
  ],
])('%s', (_name, manifests, expected) => {
  expect(problems(head + manifests, {})).toEqual(expected);
});

it('in a file with the line ends of Windows', () => {
  const text = `${head}  - inline: |\n${inBlock(`${map}---\nkind: Pod\n`, '      ')}`;
  expect(problems(text.replaceAll('\n', '\r\n'), {})).toEqual([
    'deploy.yaml:10:7: document 2: a Kubernetes object needs apiVersion, metadata.name',
  ]);
});

it('in a Job, and an object says at which line it was written', () => {
  const text = `${head}  - inline: |
      ${map.replaceAll('\n', '\n      ')}
strategies:
  s:
    canary:
      steps:
        - runJob:
            inline: |
              kind: Job
`;
  expect(problems(text, {})).toEqual([
    'deploy.yaml:16:15: document 1: a Kubernetes object needs apiVersion, metadata.name',
  ]);
  const read = readDeploymentFile(text.slice(0, text.indexOf('strategies')), 'deploy.yaml', {});
  expect(read.ok && read.file.targets[0]?.objects.map(({ source }) => source)).toEqual(['deploy.yaml:6 (inline)']);
});
