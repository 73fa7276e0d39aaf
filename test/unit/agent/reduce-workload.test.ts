import { describe, expect, test } from 'vitest';
import { reduceDeployment, reduceReplicaSet } from '../../../src/agent/health/reduce-workload.ts';
import { SET_REASONS } from '../../../src/agent/health/reasons.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

const object = (kind: string, generation: number, status: object, spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web', uid: 'u', generation },
  spec: { replicas: 3, ...spec },
  status,
});

const stuck = {
  observedGeneration: 4,
  replicas: 3,
  updatedReplicas: 3,
  readyReplicas: 3,
  availableReplicas: 3,
  conditions: [
    { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'has timed out' },
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
  ],
};

describe('a status that is older than the spec is not believed', () => {
  test('of a Deployment: nothing is updated yet, and its problems were those of another template', () => {
    expect(reduceDeployment(object('Deployment', 4, stuck))).toMatchObject({
      updated: 3,
      problems: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded' }],
    });
    expect(reduceDeployment(object('Deployment', 5, stuck))).toMatchObject({
      generation: 5,
      observedGeneration: 4,
      desired: 3,
      ready: 3,
      available: 3,
      updated: 0,
      problems: [],
    });
  });

  test('of a ReplicaSet: what kept its pods from being made was another size', () => {
    const conditions = [
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: q' },
    ];
    const status = { observedGeneration: 1, conditions };
    expect(reduceReplicaSet(object('ReplicaSet', 1, status)).record.failure).toMatch(/^QuotaExceeded: /);
    expect(reduceReplicaSet(object('ReplicaSet', 2, status)).record.failure).toBe('');
  });
});

/** As the API server says them. */
const REFUSALS: [reason: string, message: string][] = [
  [
    'QuotaExceeded',
    'pods "web-7d-x2" is forbidden: exceeded quota: team, requested: pods=1, used: pods=10, limited: pods=10',
  ],
  ['QuotaExceeded', 'pods "web-7d-x2" is forbidden: failed quota: team: must specify limits.cpu for: app'],
  ['LimitRangeViolated', 'pods "web-7d-x2" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'],
  ['AdmissionDenied', 'admission webhook "policy.example" denied the request: image must be signed'],
  [
    'AdmissionDenied',
    'pods "web-7d-x2" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
  ],
  [
    'AdmissionDenied',
    "pods \"web-7d-x2\" is forbidden: ValidatingAdmissionPolicy 'tags' with binding 'tags' denied request: no latest",
  ],
  [
    'AdmissionWebhookFailed',
    'Internal error occurred: failed calling webhook "policy.example": Post "https://policy": connection refused',
  ],
  [
    'ServiceAccountMissing',
    'pods "web-7d-" is forbidden: error looking up service account shop/web: serviceaccount "web" not found',
  ],
  ['FailedCreate', 'Timeout: request did not complete within requested timeout'],
];

describe('a ReplicaSet that cannot make its pods says in one word why, and then in the API server’s', () => {
  test.each(REFUSALS)('%s: %s', (reason, message) => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }];
    const { record } = reduceReplicaSet(object('ReplicaSet', 1, { observedGeneration: 1, conditions }));
    expect(record.failure).toBe(`${reason}: ${message}`);
  });

  test('every word of the list is met here', () => {
    const met = new Set(REFUSALS.map(([reason]) => reason));
    expect(SET_REASONS.filter((reason) => !met.has(reason))).toEqual([]);
  });
});
