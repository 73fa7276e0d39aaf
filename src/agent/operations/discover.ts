/** Which versions of some API groups the cluster serves, in its order of preference, with the kinds of each. */

import type { DiscoverSpec, ResultValue } from '../../protocol/operation.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { baseOf } from '../kubernetes/resources.ts';
import type { OperationContext } from './context.ts';

type Served = ResultValue['discover']['groups'][string];

export async function discover(context: OperationContext, spec: DiscoverSpec): Promise<ResultValue['discover']> {
  const entries = await Promise.all(
    spec.groups.map(async (group) => [group, await discoverGroup(context, group)] as const),
  );
  return { groups: Object.fromEntries(entries) };
}

/** A group that is not served has no versions. The core group is the empty name. */
async function discoverGroup(context: OperationContext, group: string): Promise<Served> {
  const versions = group === '' ? ['v1'] : await versionsOf(context, group);
  const served = await Promise.all(versions.map((version) => discoverVersion(context, group, version)));
  return served.filter((each) => each.kinds.length > 0);
}

async function versionsOf(context: OperationContext, group: string): Promise<string[]> {
  const answer = await readOrAbsent<{ versions: { version: string }[] }>(
    context,
    `/apis/${encodeURIComponent(group)}`,
    group,
  );
  return answer?.versions.map((each) => each.version) ?? [];
}

async function discoverVersion(context: OperationContext, group: string, version: string): Promise<Served[number]> {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const answer = await readOrAbsent<{ resources: { name: string; kind: string }[] }>(
    context,
    baseOf(apiVersion),
    apiVersion,
  );
  const kinds = answer?.resources.filter((each) => !each.name.includes('/')).map((each) => each.kind) ?? [];
  return { version, kinds: [...new Set(kinds)] };
}

async function readOrAbsent<T>(context: OperationContext, path: string, name: string): Promise<T | undefined> {
  try {
    return await context.api.call<T>({ method: 'GET', path, what: `discover ${name}`, signal: context.signal });
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}
