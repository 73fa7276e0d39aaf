import { describe, expect, it } from 'vitest';
import { quantity, showQuantity } from '../../../src/orchestrator/plan/quantity.ts';
import { podNeeds, quotaProblems } from '../../../src/orchestrator/plan/quota.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

const template = {
  spec: {
    containers: [
      { name: 'web', resources: { requests: { cpu: '500m', memory: '64Mi' }, limits: { cpu: '1', memory: '128Mi' } } },
      { name: 'log', resources: { limits: { cpu: '0.25' } } },
    ],
  },
};

function quota(hard: Record<string, string>, used: Record<string, string>, spec: object = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec, status: { hard, used } };
}

describe('quantities', () => {
  it.each([
    ['500m', 0.5],
    ['2', 2],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['2e3', 2000],
    ['1E', 1e18],
    ['64Mi', 2 ** 26],
    [3, 3],
  ])('%s is %d', (text, value) => {
    expect(quantity(text)).toBe(value);
  });

  it('that are none are not a number', () => {
    expect(quantity('abc')).toBeNaN();
    expect(quantity('1x')).toBeNaN();
  });

  it.each([
    [0, '0'],
    [0.25, '250m'],
    [1.5, '1500m'],
    [3, '3'],
    [150 * 2 ** 20, '150Mi'],
    [100_000_000, '95.4Mi'],
  ])('%d is shown as %s', (value, text) => {
    expect(showQuantity(value)).toBe(text);
  });
});

describe('what a pod counts', () => {
  it('is the sum of its containers; one that says only its limit requests as much', () => {
    expect(podNeeds(template)).toMatchObject({
      pods: 1,
      cpu: 0.75,
      'requests.cpu': 0.75,
      'limits.cpu': 1.25,
      'limits.memory': 2 ** 27,
    });
  });

  it('is its largest init container, sidecars that run beside it counted in, where that is more', () => {
    const asks = (cpu: string, more: object = {}): object => ({ resources: { requests: { cpu } }, ...more });
    const spec = {
      initContainers: [asks('200m', { restartPolicy: 'Always' }), asks('2')],
      containers: [asks('100m')],
    };
    expect(podNeeds({ spec })['requests.cpu']).toBeCloseTo(2.2);
    expect(podNeeds({ spec: { ...spec, initContainers: [spec.initContainers[0]] } })['requests.cpu']).toBeCloseTo(0.3);
    expect(podNeeds({ spec: { containers: [asks('1')], overhead: { cpu: '250m' } } })['requests.cpu']).toBe(1.25);
  });
});

describe('a quota without room for the canary', () => {
  it('is refused, with what is needed, what is free and what is used, all of it at once', () => {
    const tight = quota(
      { pods: '5', 'requests.cpu': '3', 'limits.memory': '512Mi', memory: '10Gi' },
      { pods: '3', 'requests.cpu': '1500m', 'limits.memory': '256Mi', memory: '1Gi' },
    );
    const [problem, ...more] = quotaProblems([tight], template, 3);
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'QUOTA', object: 'ResourceQuota q' });
    expect(problem?.message).toContain('3 more pods');
    expect(problem?.message).toContain('pods: needs 3, free 2 (3 of 5 used)');
    expect(problem?.message).toContain('requests.cpu: needs 2250m (3 × 750m), free 1500m (1500m of 3 used)');
    expect(problem?.message).toContain('limits.memory: needs 384Mi (3 × 128Mi), free 256Mi');
    expect(problem?.message).not.toContain('10Gi');
  });

  it('is none where it fits exactly, or counts what the pods do not ask for', () => {
    expect(quotaProblems([quota({ pods: '6', cpu: '2250m' }, { pods: '3', cpu: '0' })], template, 3)).toEqual([]);
    expect(quotaProblems([quota({ services: '1', 'requests.storage': '1' }, {})], template, 3)).toEqual([]);
  });

  it('counts only if its scopes pick such pods', () => {
    const full = { pods: '0' };
    const scoped = (scopes: string[]): number => quotaProblems([quota(full, {}, { scopes })], template, 1).length;
    expect([['BestEffort'], ['Terminating']].map(scoped)).toEqual([0, 0]);
    expect([['NotBestEffort'], ['NotTerminating']].map(scoped)).toEqual([1, 1]);
    expect(quotaProblems([quota(full, {}, { scopeSelector: {} })], template, 1)).toEqual([]);
  });
});
