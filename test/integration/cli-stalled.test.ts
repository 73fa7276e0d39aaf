/** A run that really is stalled (the API server refuses what its rollback has to do), and the commands that watch it. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane.ts';
import { startOrchestrator, type Orchestrator } from '../support/harness.ts';

const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';

let plane: ControlPlane;
let orchestrator: Orchestrator;

/** The second is refused once it is no rehearsal; then the first has to be removed, and that is refused too. */
const file = `application: shop
targets: { staging: { account: east, namespace: shop } }
manifests:
  - inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}"
  - inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: refused}}"
`;
const ALLOWED = "request.operation != 'DELETE' && (request.name != 'refused' || request.dryRun)";

beforeAll(async () => {
  [plane, orchestrator] = await Promise.all([startControlPlane(), startOrchestrator()]);
  await plane.token('shop', 'somebody');
  await orchestrator.startAgent({ account: 'east', kubeconfig: plane.kubeconfig, namespaces: ['shop'] });
  await forbidRemoval();
});

afterAll(async () => {
  await orchestrator?.stop();
  await plane?.stop();
});

async function forbidRemoval(): Promise<void> {
  const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'DELETE'] };
  await plane.api.call('POST', POLICIES, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'keep' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: ALLOWED, message: 'ConfigMaps are kept here' }],
    },
  });
  await plane.api.call('POST', BINDINGS, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'keep' },
    spec: { policyName: 'keep', validationActions: ['Deny'] },
  });
}

/** Until the policy is in force: the API server takes a moment. */
async function untilForbidden(): Promise<void> {
  await plane.api.call('POST', '/api/v1/namespaces/shop/configmaps', { metadata: { name: 'probe' } });
  const remove = () => plane.api.call('DELETE', '/api/v1/namespaces/shop/configmaps/probe?dryRun=All');
  await expect.poll(async () => (await remove()).status, { timeout: 30_000 }).toBe(422);
}

async function stalledDeployment(): Promise<string> {
  await untilForbidden();
  const path = join(orchestrator.folder, 'deploy.yaml');
  await writeFile(path, file);
  const begun = await orchestrator.sluice(['deploy', '-f', path, '-o', 'json']);
  if (begun.code !== 0) throw new Error(begun.stderr);
  const { id } = JSON.parse(begun.stdout) as { id: string };
  await expect.poll(() => stateOf(id), { timeout: 20_000 }).toBe('stalled');
  return id;
}

async function stateOf(id: string): Promise<string | undefined> {
  const answer = await fetch(`${orchestrator.url}/v1/deployments/${id}`);
  return ((await answer.json()) as { rollouts: { state: string }[] }).rollouts[0]?.state;
}

describe('a stalled deployment', () => {
  it('is waited for, with one sentence that says why and what to do, and ends when a person put it right; with --exit-when-stalled the command ends with 8', async () => {
    const id = await stalledDeployment();
    const waiting = orchestrator.sluice(['watch', id, '--no-exit-when-stalled']);
    const left = await orchestrator.sluice(['watch', id, '--exit-when-stalled']);
    expect(left.code).toBe(8);
    expect(left.stderr).toMatch(/staging is stalled: .*kept.*ConfigMaps are kept here/s);
    expect(left.stderr).toContain(`It goes on once that is put right: sluice watch ${id}`);
    await plane.api.call('DELETE', `${BINDINGS}/keep`);
    const ended = await waiting;
    expect(ended.code).toBe(6);
    expect(ended.stderr.match(/is stalled/g)).toHaveLength(1);
    expect(ended.stderr).toContain('A person has to put that right; it then goes on by itself');
  }, 120_000);
});
