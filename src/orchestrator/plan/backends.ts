/** The backend Services of a split, and the narrowing of the root: who is picked by which selector, and when. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { marks, RESTORE, TEMPLATE_HASH, type Role } from './marks.ts';
import type { RouteNames } from './route.ts';
import type { Service } from './workload.ts';

/** `<root>-stable` or `<root>-canary`: the root's ports and selector, and the hash of one revision. */
export function backendService(names: RouteNames, role: 'stable' | 'canary', root: Service, hash: string): KubeObject {
  const name = role === 'stable' ? names.stable : names.canary;
  const ports = (root.spec.ports ?? []).map(({ name: portName, port, targetPort, protocol, appProtocol }) => ({
    ...(portName === undefined ? {} : { name: portName }),
    port,
    ...(targetPort === undefined ? {} : { targetPort }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: names.namespace, labels: marks(names.rolloutId, role satisfies Role) },
    spec: { ports, selector: { ...root.spec.selector, [TEMPLATE_HASH]: hash } },
  };
}

/** A merge patch that lets a Service pick one revision only; the first one also writes down what to restore. */
export function narrowPatch(rolloutId: string, original: Record<string, string>, hash: string): unknown {
  return {
    metadata: { annotations: { [RESTORE]: JSON.stringify({ rollout: rolloutId, selector: original }) } },
    spec: { selector: { [TEMPLATE_HASH]: hash } },
  };
}

/** A merge patch that gives a Service its own selector back. */
export function widenPatch(original: Record<string, string>): unknown {
  return {
    metadata: { annotations: { [RESTORE]: null } },
    spec: { selector: { [TEMPLATE_HASH]: original[TEMPLATE_HASH] ?? null } },
  };
}
