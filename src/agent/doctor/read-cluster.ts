/** Reads from the API server what the doctor judges; changes nothing. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { baseOf } from '../kubernetes/resources.ts';
import type { NamespaceFacts } from './judge-cluster.ts';

export interface ServedGroup {
  /** The cluster's preferred one first. */
  versions: string[];
  /** kind -> plural, of all versions. */
  kinds: Map<string, string>;
}

/** Enough to see whether a namespace is meshed. */
const PODS = 200;

/** @throws KubeError */
export async function readVersion(api: KubeApi, signal: AbortSignal): Promise<string> {
  const what = "read the cluster's version";
  return (await api.call<{ gitVersion: string }>({ method: 'GET', path: '/version', what, signal })).gitVersion;
}

/** Whom the cluster takes the agent for; empty where it does not tell (Kubernetes before 1.28). */
export async function readIdentity(api: KubeApi, signal: AbortSignal): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const what = 'ask who the agent is';
  const review = await orUndefined(
    api.call<{ status?: { userInfo?: { username?: string } } }>({ method: 'POST', path, body, what, signal }),
    404,
    403,
  );
  return review?.status?.userInfo?.username ?? '';
}

/** Groups that are not served are left out. @throws KubeError */
export async function readServed(
  api: KubeApi,
  groups: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ServedGroup>> {
  const entries = await Promise.all(
    [...new Set(groups)].map(async (group) => [group, await readGroup(api, group, signal)] as const),
  );
  return new Map(entries.filter((entry): entry is [string, ServedGroup] => entry[1] !== undefined));
}

async function readGroup(api: KubeApi, group: string, signal: AbortSignal): Promise<ServedGroup | undefined> {
  const versions = group === '' ? ['v1'] : await versionsOf(api, group, signal);
  const lists = await Promise.all(
    versions.map((version) => {
      const apiVersion = group === '' ? version : `${group}/${version}`;
      const call = { method: 'GET', path: baseOf(apiVersion), what: `discover ${apiVersion}`, signal } as const;
      return orUndefined(api.call<{ resources: { name: string; kind: string }[] }>(call), 404);
    }),
  );
  const own = lists.flatMap((list) => list?.resources ?? []).filter(({ name }) => !name.includes('/'));
  if (own.length === 0) return undefined;
  return { versions, kinds: new Map(own.map(({ kind, name }) => [kind, name])) };
}

async function versionsOf(api: KubeApi, group: string, signal: AbortSignal): Promise<string[]> {
  const path = `/apis/${encodeURIComponent(group)}`;
  const call = { method: 'GET', path, what: `discover ${group}`, signal } as const;
  const answer = await orUndefined(api.call<{ versions: { version: string }[] }>(call), 404);
  return answer?.versions.map(({ version }) => version) ?? [];
}

export async function readNamespace(api: KubeApi, name: string, signal: AbortSignal): Promise<NamespaceFacts> {
  const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
  const what = `read namespace ${name}`;
  const pods = await readPods(api, path, name, signal);
  try {
    const { metadata } = await api.call<KubeObject>({ method: 'GET', path, what, signal });
    return { name, object: 'there', inject: metadata.annotations?.['linkerd.io/inject'], pods };
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 404 && error.status !== 403)) throw error;
    return { name, object: error.status === 404 ? 'absent' : 'unreadable', inject: undefined, pods };
  }
}

async function readPods(
  api: KubeApi,
  namespacePath: string,
  name: string,
  signal: AbortSignal,
): Promise<NamespaceFacts['pods']> {
  const call = { method: 'GET', path: `${namespacePath}/pods`, query: { limit: PODS }, signal } as const;
  const list = await orUndefined(api.call<{ items: Pod[] }>({ ...call, what: `list pods in ${name}` }), 403);
  if (!list) return undefined;
  const running = list.items.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  return { total: running.length, meshed: running.filter(hasProxy).length };
}

interface Pod {
  spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
  status?: { phase?: string };
}

function hasProxy({ spec: { containers, initContainers = [] } }: Pod): boolean {
  return [...containers, ...initContainers].some(({ name }) => name === 'linkerd-proxy');
}

async function orUndefined<T>(answer: Promise<T>, ...statuses: number[]): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof KubeError && statuses.includes(error.status)) return undefined;
    throw error;
  });
}
