import { describe, expect, it } from 'vitest';
import {
  adoptionPatch,
  canarySet,
  canarySize,
  isSameTemplate,
  revisionHash,
  twins,
} from '../../../src/orchestrator/plan/canary-set.ts';
import { selects, type Deployment, type ReplicaSet } from '../../../src/orchestrator/plan/workload.ts';

const deployment: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: 'd1' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web', tier: 'front' } },
      spec: { containers: [{ name: 'web', image: 'web:2' }] },
    },
  },
};

describe('the canary ReplicaSet', () => {
  const set = canarySet(deployment, 'bcdfg', 3, 'dep_1:staging');

  it('is not adopted before promotion: its own labels do not match the Deployment', () => {
    expect(selects(deployment.spec.selector.matchLabels, set.metadata.labels ?? {})).toBe(false);
  });

  it('makes pods that the root would pick and that only its own backend picks by hash', () => {
    const labels = (set['spec'] as ReplicaSet['spec']).template.metadata?.labels;
    expect(labels).toEqual({ app: 'web', tier: 'front', 'pod-template-hash': 'bcdfg' });
    expect((set['spec'] as ReplicaSet['spec']).selector.matchLabels).toEqual({
      app: 'web',
      'pod-template-hash': 'bcdfg',
    });
  });

  it('is adopted after it: labels match, and the desired size is what lets the controller scale the old set down', () => {
    const { labels, annotations } = (
      adoptionPatch(deployment, 'bcdfg', 4, 'dep_1:staging') as { metadata: ReplicaSet['metadata'] }
    ).metadata;
    const after = Object.entries({ ...set.metadata.labels, ...labels }).filter(
      ([, value]) => (value as unknown) !== null,
    );
    expect(Object.fromEntries(after)).toEqual({ app: 'web', tier: 'front', 'pod-template-hash': 'bcdfg' });
    expect(annotations).toEqual({ 'deployment.kubernetes.io/desired-replicas': '4' });
  });

  it('is named anew for each rollout and each template, in what a label allows', () => {
    const { template } = deployment.spec;
    const names = new Set([
      revisionHash(template, 'a'),
      revisionHash(template, 'b'),
      revisionHash({ ...template, spec: {} }, 'a'),
    ]);
    expect(names.size).toBe(3);
    expect(revisionHash(template, 'a')).toBe(revisionHash(template, 'a'));
    for (const name of names) expect(name).toMatch(/^[a-z0-9]{10}$/);
  });
});

describe('twins', () => {
  const set = (name: string, replicas: number, image: string, owner = 'd1'): ReplicaSet => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: owner, controller: true }],
    },
    spec: {
      replicas,
      selector: {},
      template: {
        metadata: { labels: { app: 'web', tier: 'front', 'pod-template-hash': name } },
        spec: { containers: [{ name: 'web', image }] },
      },
    },
  });

  it('are empty sets of this Deployment with the template being shipped, and no others', () => {
    const sets = [
      set('old2', 0, 'web:2'),
      set('live', 3, 'web:2'),
      set('old1', 0, 'web:1'),
      set('other', 0, 'web:2', 'd2'),
    ];
    expect(twins(sets, 'd1', deployment.spec.template).map(({ metadata }) => metadata.name)).toEqual(['old2']);
  });

  it('are found whatever hash their pods carry', () => {
    const { template } = deployment.spec;
    expect(isSameTemplate(set('x', 0, 'web:2').spec.template, template)).toBe(true);
    expect(isSameTemplate(set('x', 0, 'web:1').spec.template, template)).toBe(false);
  });
});

describe('canarySize', () => {
  it.each([
    ['the manifest asks more', { live: 3, atStart: 3, asked: 5, scaledByHpa: false }, 5],
    ['the manifest says nothing', { live: 3, atStart: 3, asked: undefined, scaledByHpa: false }, 3],
    ['an autoscaler rules', { live: 6, atStart: 3, asked: 2, scaledByHpa: true }, 6],
    ['somebody scaled meanwhile', { live: 6, atStart: 4, asked: 4, scaledByHpa: false }, 6],
  ])('%s', (_name, sizes, size) => {
    expect(canarySize(sizes)).toBe(size);
  });
});
