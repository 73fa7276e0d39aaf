import { describe, expect, test } from 'vitest';
import { logSources } from '../../../src/agent/operations/logs.ts';
import { outgoing } from '../../../src/agent/operations/outgoing.ts';
import { checkPolicy } from '../../../src/agent/operations/policy.ts';
import { grants } from '../../../src/agent/operations/review-access.ts';
import { laneKeysOf } from '../../../src/agent/operations/execute.ts';
import { answerError, isUntouched, isWorthRetrying, transportError } from '../../../src/agent/kubernetes/kube-error.ts';
import type { Operation, OperationSpec } from '../../../src/protocol/operation.ts';

const operation = (spec: OperationSpec, namespace = 'shop'): Operation => ({
  id: '1',
  deploymentId: 'd',
  namespace,
  notAfterMs: 0,
  spec,
});
const object = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

describe('policy', () => {
  const policy = { allowedNamespaces: ['shop', 'bank'] };
  const specs: OperationSpec[] = [
    { kind: 'get', object: { ...object, namespace: 'bank' } },
    { kind: 'scale', object: { ...object, namespace: 'bank' }, replicas: 1 },
    { kind: 'patch', object: { ...object, namespace: 'bank' }, type: 'merge', body: {} },
    { kind: 'delete', object: { ...object, namespace: 'bank' }, propagation: 'background' },
    { kind: 'apply', objects: [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', namespace: 'bank' } }] },
    { kind: 'list', apiVersion: 'v1', objectKind: 'Pod', namespace: 'bank' },
    { kind: 'logs', namespace: 'bank', labelSelector: '', tailLines: 1 },
    { kind: 'reviewAccess', namespace: 'bank', rules: [] },
  ];

  test.each(specs)('$kind reaches only the namespace the operation is for', (spec) => {
    expect(() => checkPolicy(operation(spec, 'shop'), policy)).toThrow(expect.objectContaining({ code: 'POLICY' }));
    expect(() => checkPolicy(operation(spec, 'bank'), policy)).not.toThrow();
    expect(() => checkPolicy(operation(spec, 'bank'), { allowedNamespaces: ['shop'] })).toThrow(/allowedNamespaces/);
  });
});

test("a Secret leaves without its data, also without kubectl's copy of it", () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":"x"}', keep: 'yes' };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 's',
      annotations,
      managedFields: [{ manager: 'm', operation: 'Apply', time: 't', fieldsV1: { f: {} } }],
    },
    data: { a: 'x' },
    stringData: { b: 'x' },
  };
  expect(outgoing(secret)).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 's',
      managedFields: [{ manager: 'm', operation: 'Apply', time: 't' }],
      annotations: { keep: 'yes' },
    },
  });
});

test('one object is one lane, whichever version of its API is spoken of; reads and trials take none', () => {
  const inVersion = (apiVersion: string) =>
    laneKeysOf(operation({ kind: 'scale', object: { ...object, apiVersion }, replicas: 1 }));
  expect(inVersion('apps/v1')).toEqual(inVersion('apps/v1beta1'));
  const objects = [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } }];
  expect(laneKeysOf(operation({ kind: 'apply', objects }))).toEqual(inVersion('apps/v1'));
  expect(laneKeysOf(operation({ kind: 'apply', objects, dryRun: true }))).toEqual([]);
  expect(laneKeysOf(operation({ kind: 'get', object }))).toEqual([]);
});

test('a grant for some names only is no grant; pods/log is not pods', () => {
  const asked = { group: '', resource: 'pods', verb: 'get' };
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
  expect(grants(rule, asked)).toBe(true);
  expect(grants({ ...rule, resourceNames: ['one'] }, asked)).toBe(false);
  expect(grants(rule, { ...asked, resource: 'pods/log' })).toBe(false);
  expect(grants({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, asked)).toBe(true);
});

test('a container that never ran has no log; one that crashed and waits has that of its last life', () => {
  const status = (name: string, state: object, lastState = {}) => ({ name, state, lastState });
  const pod = {
    metadata: { name: 'p' },
    status: {
      containerStatuses: [
        status('runs', { running: {} }),
        status('pulls', { waiting: {} }),
        status('loops', { waiting: {} }, { terminated: {} }),
      ],
    },
  };
  expect(logSources(pod)).toEqual([
    { pod: 'p', container: 'runs', previous: false },
    { pod: 'p', container: 'loops', previous: true },
  ]);
});

describe('an answer of the API server is classified once', () => {
  test.each([
    [401, 'Unauthorized', 'FORBIDDEN', false],
    [403, 'Forbidden', 'FORBIDDEN', false],
    [404, 'NotFound', 'NOT_FOUND', false],
    [409, 'AlreadyExists', 'ALREADY_EXISTS', false],
    [409, 'Conflict', 'CONFLICT', false],
    [413, '', 'TOO_LARGE', false],
    [415, 'UnsupportedMediaType', 'UNSUPPORTED', false],
    [422, 'Invalid', 'INVALID', false],
    [429, 'TooManyRequests', 'UNAVAILABLE', true],
    [500, 'InternalError', 'INTERNAL', true],
    [503, 'ServiceUnavailable', 'UNAVAILABLE', true],
    [504, 'Timeout', 'TIMEOUT', true],
  ])('%d %s is %s, worth another try: %s', (status, reason, code, again) => {
    const error = answerError('get Pod shop/x', status, JSON.stringify({ reason, message: 'the words of the server' }));
    expect(error).toMatchObject({ code, status });
    expect(error.message).toMatch(/Could not get Pod shop\/x: the words of the server\./);
    expect(isWorthRetrying(error)).toBe(again);
  });

  test('a page of a proxy in between is quoted; Retry-After is read', () => {
    expect(answerError('x', 502, '<html>bad gateway</html>', '3')).toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterMs: 3000,
    });
  });

  test('a broken connection may be tried again, but not where the deed must not run twice', () => {
    const broken = transportError('x', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    expect([isWorthRetrying(broken), isUntouched(broken)]).toEqual([true, false]);
    const refused = transportError('x', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    expect(isUntouched(refused)).toBe(true);
    const late = transportError('x', new DOMException('late', 'TimeoutError'));
    expect([late.code, isWorthRetrying(late)]).toEqual(['TIMEOUT', false]);
  });
});
