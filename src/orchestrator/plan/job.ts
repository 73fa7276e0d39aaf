/** The Job of an integration test: the user's, under a name of its own, told whom to test. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { marks } from './marks.ts';
import type { RouteNames } from './route.ts';

interface Container {
  env?: { name: string; [key: string]: unknown }[];
  [key: string]: unknown;
}

interface JobSpec {
  template?: { spec?: { containers?: Container[]; [key: string]: unknown }; [key: string]: unknown };
  [key: string]: unknown;
}

export interface JobIdentity {
  rolloutId: string;
  deploymentId: string;
  application: string;
  namespace: string;
}

/** Kubernetes writes a Job's name into a label of its pods: 63 characters at most. */
const MAX_NAME = 63;

/**
 * @param step number of the step: one strategy may run the same Job twice.
 * @returns the Job with `SLUICE_CANARY_SERVICE`, `SLUICE_STABLE_SERVICE`, `SLUICE_ROOT_SERVICE`, `SLUICE_NAMESPACE` and `SLUICE_DEPLOYMENT` in its containers' environment.
 */
export function jobObject(job: KubeObject, identity: JobIdentity, names: RouteNames, step: number): KubeObject {
  const suffix = `-${identity.deploymentId.replace(/[^a-z0-9]/g, '').slice(-8)}-${step}`;
  const spec = (job['spec'] ?? {}) as JobSpec;
  const pod = spec.template?.spec ?? {};
  const env = [
    { name: 'SLUICE_CANARY_SERVICE', value: names.canary },
    { name: 'SLUICE_STABLE_SERVICE', value: names.stable },
    { name: 'SLUICE_ROOT_SERVICE', value: names.root },
    { name: 'SLUICE_NAMESPACE', value: identity.namespace },
    { name: 'SLUICE_DEPLOYMENT', value: identity.deploymentId },
  ];
  const containers = (pod.containers ?? []).map((container) => {
    const own = new Set((container.env ?? []).map(({ name }) => name));
    return { ...container, env: [...(container.env ?? []), ...env.filter(({ name }) => !own.has(name))] };
  });
  return {
    ...job,
    metadata: {
      ...job.metadata,
      name: `${job.metadata.name.slice(0, MAX_NAME - suffix.length)}${suffix}`,
      namespace: identity.namespace,
      labels: { ...job.metadata.labels, ...marks(identity.rolloutId, 'job') },
    },
    spec: { ...spec, template: { ...spec.template, spec: { ...pod, containers } } },
  };
}
