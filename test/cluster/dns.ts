/** The objects that make cluster DNS: CoreDNS runs on the node's network, behind an ordinary Service. */
import { dnsAddress, nodeAddress } from './node.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const labels = { 'k8s-app': 'kube-dns' };
const ports = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
];

/** Each object with the path to POST it to. */
export const dnsObjects: readonly (readonly [string, object])[] = [
  [
    `${rbac}/clusterroles`,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'system:coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
  ],
  [
    `${rbac}/clusterrolebindings`,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
      subjects: [{ kind: 'User', name: 'system:coredns', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  ],
  [
    '/api/v1/namespaces/kube-system/services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', labels },
      spec: { clusterIP: dnsAddress, ports },
    },
  ],
  [
    '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'kube-dns', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [nodeAddress], conditions: { ready: true } }],
      ports,
    },
  ],
];
