/** What a canary needs of its cluster, whatever the manifests hold beside it: what the chart's values grant from the start. */

import type { Right } from '../operations/policy.ts';

const READ = ['get', 'list', 'watch'] as const;
const WRITE = ['create', 'patch', 'delete'] as const;

/** Kinds that the cluster does not serve are nobody's to ask for. */
export const NEEDED_RIGHTS: readonly Right[] = [
  { group: 'apps', kinds: ['Deployment', 'ReplicaSet'], verbs: [...READ, ...WRITE] },
  { group: '', kinds: ['Pod'], verbs: READ },
  { group: '', kinds: ['Pod/log'], verbs: ['get'] },
  { group: '', kinds: ['Service'], verbs: [...READ, ...WRITE] },
  { group: 'discovery.k8s.io', kinds: ['EndpointSlice'], verbs: READ },
  { group: 'split.smi-spec.io', kinds: ['TrafficSplit'], verbs: [...READ, ...WRITE] },
  { group: 'gateway.networking.k8s.io', kinds: ['HTTPRoute'], verbs: [...READ, ...WRITE] },
  { group: 'linkerd.io', kinds: ['ServiceProfile'], verbs: [...READ, 'delete'] },
  { group: 'autoscaling', kinds: ['HorizontalPodAutoscaler'], verbs: ['list'] },
];
