/** The cluster as checks: does its API answer, are the namespaces there, which kinds does it serve, is it meshed. Pure. */

import { fail, ok, warn } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { SERVED_VERSIONS } from '../health/served-versions.ts';
import type { WatchedKind } from '../health/served-versions.ts';

export interface NamespaceFacts {
  name: string;
  /** Agents have no right to read Namespaces unless they are given it. */
  object: 'there' | 'absent' | 'unreadable';
  /** `linkerd.io/inject` of the namespace; undefined: none, or it is not readable. */
  inject: string | undefined;
  /** Of the pods that run; undefined: they may not be listed. */
  pods: { total: number; meshed: number } | undefined;
}

/** group -> versions, the preferred one first. */
export type ServedVersions = ReadonlyMap<string, readonly string[]>;

/** @param hasRights of a Role in it: then it is there, though it cannot be read. */
export function judgeNamespace({ name, object }: NamespaceFacts, hasRights: boolean): Check {
  const id = `namespace/${name}`;
  const title = `namespace ${name}`;
  if (object === 'there') return ok(id, title, 'exists');
  if (object === 'absent') {
    return fail(
      id,
      title,
      'does not exist',
      `Create it (kubectl create namespace ${name}), or take it out of allowedNamespaces.`,
    );
  }
  if (hasRights) return ok(id, title, 'exists: the agent has rights in it');
  return fail(
    id,
    title,
    'cannot be seen: the agent has no right in it',
    `Look whether it exists (kubectl get namespace ${name}) and is in the chart's value allowedNamespaces.`,
  );
}

interface Wanted {
  kind: WatchedKind;
  name: string;
  /** What does not work without. */
  lost: string;
  hint: string;
}

const KINDS: readonly Wanted[] = [
  {
    kind: 'splits',
    name: 'TrafficSplit',
    lost: 'no canary can shift traffic here (trafficManagement: smi)',
    hint: 'Install Linkerd and its extension linkerd-smi, which brings the CustomResourceDefinition.',
  },
  {
    kind: 'routes',
    name: 'HTTPRoute',
    lost: 'proxies that are busy when a run begins do not follow its split',
    hint: "Install the Gateway API's CustomResourceDefinitions (Linkerd brings them), or keep splits with `retain: true`.",
  },
  {
    kind: 'profiles',
    name: 'ServiceProfile',
    lost: 'what the mesh made of a split cannot be read back',
    hint: 'Linkerd brings it; linkerd-smi writes it.',
  },
];

/** One for each kind that a mesh brings. */
export function judgeKinds(served: ServedVersions): Check[] {
  return KINDS.map(({ kind, name, lost, hint }) => {
    const { group, versions } = SERVED_VERSIONS[kind];
    const id = `crd/${name}`;
    const offered = served.get(group) ?? [];
    const used = versions.find((version) => offered.includes(version));
    if (used !== undefined) return ok(id, name, `${group}/${used} is served`);
    const found =
      offered.length === 0
        ? 'is not served'
        : `is served in ${offered.join(', ')} alone, not in ${versions.join(' or ')}`;
    return warn(id, name, `${group} ${found}: ${lost}`, hint);
  });
}

/** What can be seen of the mesh with the agent's rights: the namespace's annotation if it is readable, and the pods. */
export function judgeMesh({ name, inject, pods }: NamespaceFacts, served: ServedVersions): Check {
  const id = `mesh/${name}`;
  const title = `mesh in ${name}`;
  if (!served.has(SERVED_VERSIONS.profiles.group)) {
    return warn(
      id,
      title,
      'no Linkerd in this cluster',
      'A split is made by the proxies of the clients: install Linkerd, and inject the clients at least.',
    );
  }
  const asked = inject === undefined ? '' : `, the namespace asks for ${inject}`;
  if (!pods) return warn(id, title, `the pods may not be listed${asked}`, 'Grant list on pods (chart value rights).');
  const { total, meshed } = pods;
  if (total === 0) return ok(id, title, `no pods yet${asked}`);
  const detail = `${meshed} of ${total} pods have a Linkerd proxy${asked}`;
  if (meshed === total) return ok(id, title, detail);
  const restart = `kubectl -n ${name} rollout restart deployment`;
  const hint =
    inject === 'enabled'
      ? `Those without one started earlier: ${restart}`
      : `Without one there is no mTLS to a pod and no mesh metrics of it: annotate the namespace with linkerd.io/inject=enabled, then ${restart}`;
  return warn(id, title, detail, hint);
}
