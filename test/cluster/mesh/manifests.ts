/** The Kubernetes objects of the test mesh's programs. */
import type { MeshBehaviour } from './controller-process.ts';
import { meshEnvironment } from './controller-process.ts';

/** An object with what creating it needs. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** Where the mesh's control plane lives. */
export const meshNamespace = 'linkerd-smi';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

const watching = ['get', 'list', 'watch'];

const meshRules: Rule[] = [
  { apiGroups: ['split.smi-spec.io'], resources: ['trafficsplits'], verbs: watching },
  { apiGroups: ['linkerd.io'], resources: ['serviceprofiles'], verbs: ['list', 'get', 'create', 'update'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['services'], verbs: watching },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: watching },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes/status'], verbs: ['patch'] },
];

const loadRules: Rule[] = [
  { apiGroups: [''], resources: ['services'], verbs: watching },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: watching },
  { apiGroups: ['linkerd.io'], resources: ['serviceprofiles'], verbs: watching },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: watching },
];

/** Namespace, rights and Deployment of the adaptor and policy controller. */
export function meshManifests(image: string, behaviour: MeshBehaviour): Manifest[] {
  const env = Object.entries(meshEnvironment(behaviour)).map(([name, value]) => ({ name, value }));
  const container = {
    name: 'mesh',
    image,
    imagePullPolicy: 'IfNotPresent',
    env,
    readinessProbe: { httpGet: { path: '/ready', port: 9995 }, periodSeconds: 1 },
  };
  return [
    ...account(meshNamespace, 'mesh', meshRules),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'mesh', namespace: meshNamespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'mesh' } },
        template: {
          metadata: { labels: { app: 'mesh' } },
          spec: { serviceAccountName: 'mesh', terminationGracePeriodSeconds: 1, containers: [container] },
        },
      },
    },
  ];
}

/** Namespace, rights and pod of a load generator. */
export function loadManifests(image: string, namespace: string, name: string): Manifest[] {
  const fromPod = (fieldPath: string): unknown => ({ fieldRef: { fieldPath } });
  const container = {
    name: 'load',
    image,
    imagePullPolicy: 'IfNotPresent',
    env: [
      { name: 'POD_NAMESPACE', valueFrom: fromPod('metadata.namespace') },
      { name: 'SERVICE_ACCOUNT', valueFrom: fromPod('spec.serviceAccountName') },
    ],
    ports: [{ name: 'control', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
  };
  return [
    ...account(namespace, name, loadRules),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app: name } },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 5,
        restartPolicy: 'Never',
        containers: [container],
      },
    },
  ];
}

function account(namespace: string, name: string, rules: Rule[]): Manifest[] {
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `test-${name}` };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: role.name }, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `test-${namespace}-${name}` },
      roleRef: role,
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ];
}
