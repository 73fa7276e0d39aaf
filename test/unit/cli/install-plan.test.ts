/** What `sluice agents add` says to paste: a shell and Helm take it as it was meant, and no values file holds a secret. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { addressDoubt, installLine, manifestPathOf, tokenManifest, valuesFile } from '../../../src/cli/install-plan.ts';

const invitation = {
  account: 'east',
  joinToken: 'sluice-join-abc_DEF-123',
  expiresAt: '2026-11-25T10:00:00.000Z',
  server: 'sluice.example:8443',
  chart: 'helm/agent',
  image: 'registry.example/sluice agent',
};

test('a shell reads the line as the words that were meant', () => {
  const line = installLine(invitation, { namespaces: ['shop', 'pay'] });
  expect(line).not.toContain('\n');
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
  const fixed = 'helm install sluice-agent helm/agent --namespace sluice --create-namespace'.split(' ');
  const sets = [
    'enrol.token=sluice-join-abc_DEF-123',
    'allowedNamespaces={shop,pay}',
    'image.repository=registry.example/sluice agent',
  ];
  expect(words).toEqual([...fixed, ...sets.flatMap((set) => ['--set', set])]);
});

test('what a person asks for goes over what the orchestrator says', () => {
  const line = installLine(invitation, { namespaces: undefined, chart: 'oci://charts.example/agent', image: 'mine' });
  expect(line).toContain('sluice-agent oci://charts.example/agent --namespace');
  expect(line).toContain('image.repository=mine');
  expect(line).toContain('{YOUR-NAMESPACE}');
});

test('the values name a Secret, and only the manifest beside them holds the token', () => {
  const values = valuesFile(invitation, { namespaces: ['shop'] });
  expect(values).not.toContain(invitation.joinToken);
  expect(parse(values)).toEqual({
    allowedNamespaces: ['shop'],
    enrol: { existingSecret: 'sluice-agent-join', key: 'token' },
    image: { repository: invitation.image },
  });
  expect(parse(tokenManifest(invitation))).toMatchObject({
    kind: 'Secret',
    metadata: { name: 'sluice-agent-join', namespace: 'sluice' },
    stringData: { token: invitation.joinToken },
  });
});

test.each([
  ['east.yaml', 'east-join-token.yaml'],
  ['a/b.yml', 'a/b-join-token.yml'],
  ['east', 'east-join-token.yaml'],
])('the Secret of %s is written to %s', (values, manifest) => {
  expect(manifestPathOf(values)).toBe(manifest);
});

test.each([
  ['0.0.0.0:8443', /none to dial/],
  ['[::]:8443', /none to dial/],
  ['127.0.0.1:8443', /own machine alone/],
  ['[::1]:8443', /own machine alone/],
])('of the address %s is said that no pod can dial it', (server, doubt) => {
  expect(addressDoubt(server)).toMatch(doubt);
});

test('of an address with a name nothing is said', () => {
  expect(addressDoubt('sluice.example:8443')).toBeUndefined();
});
