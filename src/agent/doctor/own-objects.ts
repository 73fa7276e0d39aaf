/** The objects that are the agent's own, where its configuration says that it has them: may it do with them what it has to. */

import { fail, ok } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import type { AgentConfig } from '../config.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';

export interface OwnObject {
  /** Of the check. */
  id: string;
  group: string;
  resource: string;
  namespace: string;
  name: string;
  verbs: readonly string[];
  /** What does not work without. */
  lost: string;
  /** The chart's values that it hangs on. */
  value: string;
}

/** Pure. */
export function ownObjects({ credential, lease }: Pick<AgentConfig, 'credential' | 'lease'>): OwnObject[] {
  const secret = credential.kind === 'secret' ? [ownSecret(credential)] : [];
  return [...secret, ...(lease === undefined ? [] : [ownLease(lease)])];
}

function ownSecret({ namespace, name }: { namespace: string; name: string }): OwnObject {
  const lost = 'its credential is not kept, and not renewed';
  const verbs = ['get', 'create', 'patch'];
  return { id: 'secret', group: '', resource: 'secrets', namespace, name, verbs, lost, value: 'enrol' };
}

function ownLease({ namespace, name }: { namespace: string; name: string }): OwnObject {
  const lost = 'no agent is elected, so none acts';
  const verbs = ['get', 'watch', 'patch'];
  const group = 'coordination.k8s.io';
  return { id: 'lease', group, resource: 'leases', namespace, name, verbs, lost, value: 'lease' };
}

/** Pure. @param denied verbs. @param who the cluster takes the agent for. */
export function judgeOwnObject(object: OwnObject, denied: readonly string[], who: string): Check {
  const { id, group, resource, namespace, name, verbs, lost, value } = object;
  const what = `${resource}/${name} in namespace ${namespace}`;
  if (denied.length === 0) return ok(id, id, `may ${verbs.join(', ')} ${what}`);
  const rule = `apiGroups: ["${group}"], resources: ["${resource}"], resourceNames: ["${name}"], verbs: ${JSON.stringify(denied)}`;
  const hint = `The chart grants it by its value ${value} with rbac.create=true. With rbac.create=false add to a Role of ${who || 'the agent'} in ${namespace}: ${rule}`;
  return fail(id, id, `may not ${denied.join(', ')} ${what}: ${lost}`, hint);
}

/** Verbs that the cluster does not grant on the one object. @throws KubeError */
export async function deniedVerbs(api: KubeApi, object: OwnObject, signal: AbortSignal): Promise<string[]> {
  const { group, resource, namespace, name, verbs } = object;
  const answers = await Promise.all(
    verbs.map(async (verb) => {
      const spec = { resourceAttributes: { group, resource, namespace, name, verb } };
      const review = await api.call<{ status?: { allowed?: boolean } }>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec },
        what: `review the agent's right to ${verb} ${resource}/${name} in ${namespace}`,
        signal,
      });
      return review.status?.allowed === true ? [] : [verb];
    }),
  );
  return answers.flat();
}
