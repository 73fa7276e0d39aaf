import { describe, expect, test } from 'vitest';
import { checkPolicy } from '../../../src/agent/operations/policy.ts';
import type { Policy } from '../../../src/agent/operations/policy.ts';
import type { OperationSpec } from '../../../src/protocol/operation.ts';

const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const root = { apiVersion: 'v1', kind: 'Service', name: 'payments-api' };
const scale = (replicas: number): OperationSpec => ({ kind: 'scale', object: web, replicas });
const apply = (spec: object, dryRun = false): OperationSpec => ({
  kind: 'apply',
  objects: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec }],
  dryRun,
});
const patch = (body: unknown, type: 'merge' | 'json' = 'merge'): OperationSpec => ({
  kind: 'patch',
  object: web,
  type,
  body,
});
const remove = (object = web): OperationSpec => ({ kind: 'delete', object, propagation: 'background' });
const call = (url: string, method = 'POST'): OperationSpec => ({
  kind: 'http',
  method,
  url,
  headers: {},
  timeoutMs: 1,
});

/** The rule that refused, or undefined. */
function refusal(spec: OperationSpec, policy: Omit<Policy, 'allowedNamespaces'>): string | undefined {
  const operation = { id: '1', deploymentId: 'd', namespace: 'shop', notAfterMs: 0, spec };
  try {
    checkPolicy(operation, { allowedNamespaces: ['shop'], ...policy });
    return undefined;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'POLICY') throw error;
    return /Helm value (?:policy\.)?(\w+)/.exec((error as Error).message)?.[1];
  }
}

describe('without rules beside the namespaces', () => {
  test('nothing is refused but calls to anywhere', () => {
    for (const spec of [scale(1000), apply({ replicas: 1000 }), remove()]) expect(refusal(spec, {})).toBeUndefined();
    expect(refusal(call('https://hooks.example/'), {})).toBe('http');
  });
});

describe('rights', () => {
  const rights = [
    { group: 'apps', kinds: ['Deployment'], verbs: ['get', 'patch'] },
    { group: '', kinds: ['Pod', 'Pod/log'], verbs: ['get', 'list'] },
  ] as const;

  test('each verb on each kind is granted, or refused by name', () => {
    expect(refusal(scale(1), { rights })).toBeUndefined();
    expect(refusal(apply({}), { rights })).toBeUndefined();
    expect(refusal({ kind: 'get', object: web }, { rights })).toBeUndefined();
    expect(refusal(remove(), { rights })).toBe('rights');
    expect(refusal({ kind: 'get', object: root }, { rights })).toBe('rights');
    expect(
      refusal({ kind: 'list', apiVersion: 'apps/v1', objectKind: 'Deployment', namespace: 'shop' }, { rights }),
    ).toBe('rights');
  });

  test('a kind of the same name in another group is another kind', () => {
    const other = { ...web, apiVersion: 'example.com/v1' };
    expect(refusal({ kind: 'get', object: other }, { rights })).toBe('rights');
  });

  test('logs need the pods and their logs, metrics the pods', () => {
    const logs: OperationSpec = { kind: 'logs', namespace: 'shop', labelSelector: 'a=b', tailLines: 1 };
    expect(refusal(logs, { rights })).toBeUndefined();
    expect(refusal(logs, { rights: [{ group: '', kinds: ['Pod'], verbs: ['get', 'list'] }] })).toBe('rights');
    const scrape: OperationSpec = { ...logs, kind: 'scrape', port: 4191, path: '/metrics', metrics: [] };
    expect(refusal(scrape, { rights })).toBeUndefined();
    expect(refusal({ ...scrape, port: 22 }, { rights })).toBe('scrapePorts');
    expect(refusal({ ...scrape, port: 9090 }, { rights, scrapePorts: [9090] })).toBeUndefined();
  });

  test('a guard has no more rights than its writes would have', () => {
    const guard: OperationSpec = {
      kind: 'guard',
      holder: web,
      writes: [{ object: root, body: {} }],
      rootService: 'r',
      stableService: 's',
      canaryService: 'c',
      canaryHash: 'h',
      minReady: 1,
      rollout: 'r',
    };
    expect(refusal(guard, { rights })).toBe('rights');
    const writes = [{ object: web, body: { spec: { replicas: 50 } } }];
    expect(refusal({ ...guard, writes }, { rights })).toBeUndefined();
    expect(refusal({ ...guard, writes }, { rights, maxReplicas: 49 })).toBe('maxReplicas');
  });
});

describe('maxReplicas', () => {
  test.each([
    ['scale', scale(11)],
    ['apply', apply({ replicas: 11 })],
    ['an autoscaler', apply({ maxReplicas: 11 })],
    ['patch', patch({ spec: { replicas: 11 } })],
    ['a list of steps', patch([{ op: 'replace', path: '/spec/replicas', value: 11 }], 'json')],
    ['a step that replaces it all', patch([{ op: 'add', path: '/spec', value: { replicas: 11 } }], 'json')],
  ])('%s above it is refused', (_name, spec) => {
    expect(refusal(spec, { maxReplicas: 10 })).toBe('maxReplicas');
    expect(refusal(spec, { maxReplicas: 11 })).toBeUndefined();
  });
});

describe('protectedNames', () => {
  test.each([
    ['web', true],
    ['Deployment/web', true],
    ['Deployment/*', true],
    ['w*', true],
    ['*', true],
    ['Service/web', false],
    ['we', false],
    ['eb', false],
    ['w.b', false],
  ])('%s', (pattern, isProtected) => {
    const policy = { protectedNames: [pattern] };
    expect(refusal(remove(), policy)).toBe(isProtected ? 'protectedNames' : undefined);
    expect(refusal({ kind: 'get', object: web }, policy)).toBeUndefined();
    expect(refusal(apply({}, true), policy)).toBeUndefined();
  });
});

test('readOnly lets it read and try out, and nothing else', () => {
  const policy = { readOnly: true, http: ['https://hooks.example'] };
  for (const spec of [scale(1), apply({}), remove(), patch({}), call('https://hooks.example/')]) {
    expect(refusal(spec, policy)).toBe('readOnly');
  }
  for (const spec of [apply({}, true), { kind: 'get' as const, object: web }, call('https://hooks.example/', 'GET')]) {
    expect(refusal(spec, policy)).toBeUndefined();
  }
});

describe('http', () => {
  test.each([
    ['https://hooks.example', 'https://hooks.example/a/b?c=d', true],
    ['https://hooks.example/deploy', 'https://hooks.example/deploy', true],
    ['https://hooks.example/deploy', 'https://hooks.example/deploy/1', true],
    ['https://hooks.example/deploy', 'https://hooks.example/deployments', false],
    ['https://hooks.example/deploy', 'https://hooks.example/deploy/../admin', false],
    ['https://hooks.example', 'https://hooks.example:444/', false],
    ['https://hooks.example', 'http://hooks.example/', false],
    ['https://hooks.example', 'https://hooks.example.evil.test/', false],
    ['https://hooks.example', 'https://hooks.example@evil.test/', false],
    ['http://prometheus.monitoring:9090', 'http://prometheus.monitoring:9090/api/v1/query', true],
    ['https://hooks.example', 'file:///etc/passwd', false],
  ])('%s lets pass %s: %s', (allowed, url, passes) => {
    expect(refusal(call(url), { http: [allowed] })).toBe(passes ? undefined : 'http');
  });
});
