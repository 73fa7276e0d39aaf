/** What the charts render, by the values that people set, is taken by a real API server, and its pods by Pod Security `restricted`. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureServiceAccount, until } from '../cluster/api.ts';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane.ts';
import { complaintsOf, render, withPods } from '../support/rendered.ts';

const namespaces = ['sluice', 'shop', 'payments'];
let control: ControlPlane;

beforeAll(async () => {
  control = await startControlPlane();
  for (const name of namespaces) {
    const labels = {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    };
    await control.api.call('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  }
  // Pods are taken only with an account that is there.
  for (const name of ['sluice-agent', 'sluice-orchestrator', 'mine', 'default'])
    await ensureServiceAccount(control.api, 'sluice', name);
  for (const kind of ['ServiceMonitor', 'PrometheusRule']) {
    const definition = ofPrometheusOperator(kind);
    await control.api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    const served = `/apis/monitoring.coreos.com/v1/${definition.spec.names.plural}`;
    await until(`${kind} to be served`, async () => (await control.api.call('GET', served)).status === 200);
  }
}, 900_000);

afterAll(async () => control?.stop());

/** What any pod may be given. */
const placement = {
  commonLabels: { team: 'platform' },
  imagePullSecrets: [{ name: 'registry' }],
  deploymentAnnotations: { owner: 'platform' },
  podLabels: { tier: 'tools' },
  podAnnotations: { 'linkerd.io/inject': 'disabled' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'tools', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] }],
      },
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { tier: 'tools' } },
    },
  ],
  priorityClassName: 'system-cluster-critical',
  hostAliases: [{ ip: '10.1.2.3', hostnames: ['sluice.example.com'] }],
  dnsPolicy: 'ClusterFirst',
  dnsConfig: { options: [{ name: 'ndots', value: '2' }] },
  extraEnv: [{ name: 'TZ', value: 'UTC' }],
  extraVolumes: [{ name: 'extra', configMap: { name: 'extra' } }],
  extraVolumeMounts: [{ name: 'extra', mountPath: '/etc/extra', readOnly: true }],
  serviceAccount: { create: false, name: 'mine' },
  metrics: {
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, endpoint: { honorLabels: true } },
  },
};
const extraRights = [{ group: 'monitoring.coreos.com', kinds: { ServiceMonitor: 'servicemonitors' }, verbs: ['get'] }];
const anyone = { namespaceSelector: {}, podSelector: { matchLabels: { app: 'proxy' } } };

const agents: Record<string, object> = {
  minimal: {},
  'a join token inline': { enrol: { token: 'sluice-join-abc' } },
  'a join token from a Secret': { enrol: { existingSecret: 'join', key: 'join-token' } },
  'a credential that lasts, such as a token': { credential: { existingSecret: 'sluice-agent' } },
  'several namespaces': { allowedNamespaces: ['shop', 'payments'] },
  'a proxy': { proxy: { httpsProxy: 'http://proxy.example:3128', noProxy: '.svc,10.0.0.0/8' } },
  'a proxy with a password': { proxy: { existingSecret: 'proxy' } },
  'two replicas': { replicaCount: 2 },
  'reading only': { policy: { readOnly: true } },
  'no Roles of ours': { rbac: { create: false } },
  'everything set': {
    ...placement,
    replicaCount: 3,
    extraRights,
    server: { address: 'sluice.example.com:443', name: 'sluice.example.com' },
    proxy: { existingSecret: 'proxy', noProxy: '.svc' },
    networkPolicy: {
      enabled: true,
      server: { cidrs: ['203.0.113.7/32'], ports: [443] },
      apiServer: { cidrs: ['10.0.0.4/32'] },
      extraEgress: [{ to: [anyone], ports: [{ port: 9090 }] }],
    },
  },
};

const orchestrators: Record<string, object> = {
  'an embedded database': {},
  'a database of ours': { database: { existingSecret: 'database' }, persistence: { size: '100Mi' } },
  'TLS ended before it': { api: { tls: { enabled: false }, ingress: { enabled: true, host: 'sluice.example.com' } } },
  'tokens for agents, behind a proxy that ends TLS': {
    agents: {
      publicAddress: 'agents.example.com:443',
      behindProxy: true,
      ingress: { enabled: true, host: 'agents.example.com', tlsSecret: 'agents-tls' },
    },
  },
  'a claim of ours': { persistence: { existingClaim: 'mine' } },
  'everything set': {
    ...placement,
    database: { existingSecret: 'database', key: 'DATABASE_URL' },
    persistence: { storageClassName: '-', annotations: { backup: 'daily' }, keep: true },
    agents: {
      publicAddress: 'agents.example.com:443',
      tls: { existingSecret: 'agents-tls' },
      caSecret: 'agents-ca',
      install: { image: 'registry.example/sluice-agent' },
      service: {
        type: 'LoadBalancer',
        port: 443,
        nodePort: 30443,
        annotations: { 'example.com/load-balancer': 'tcp' },
        loadBalancerClass: 'example.com/lb',
        loadBalancerSourceRanges: ['203.0.113.0/24'],
        externalTrafficPolicy: 'Local',
      },
      ingress: { enabled: true, className: 'nginx', host: 'agents.example.com' },
    },
    api: {
      publicUrl: 'https://sluice.example.com',
      tls: { existingSecret: 'api-tls' },
      service: { type: 'NodePort', nodePort: 30080 },
      ingress: {
        enabled: true,
        className: 'nginx',
        host: 'sluice.example.com',
        tlsSecret: 'sluice-tls',
      },
    },
    metricProviders: { prometheus: 'http://prometheus.monitoring.svc:9090', mimir: 'https://mimir.example/prometheus' },
    networkPolicy: {
      enabled: true,
      ingress: { api: [anyone], agents: [{ ipBlock: { cidr: '203.0.113.0/24' } }] },
      egress: [{ ports: [{ port: 5432 }] }],
    },
  },
};

describe('a real API server takes, with Pod Security enforced,', () => {
  it.each(Object.entries(agents))("the agent's chart with %s", async (_, values) => {
    const objects = await render('agent', { allowedNamespaces: ['shop'], ...values });
    expect(await complaintsOf(control.kubeconfig, withPods(objects))).toBe('');
  });

  it.each(Object.entries(orchestrators))("the orchestrator's chart with %s", async (_, values) => {
    const objects = await render('orchestrator', values);
    expect(await complaintsOf(control.kubeconfig, withPods(objects))).toBe('');
  });

  it('but no field that Kubernetes does not know', async () => {
    const objects = await render('orchestrator', { extraEnv: [{ name: 'TZ', valu: 'UTC' }] });
    expect(await complaintsOf(control.kubeconfig, objects)).toContain('.valu: field not declared');
  });

  it('but no pod that may be root', async () => {
    const objects = withPods(await render('orchestrator', { podSecurityContext: { runAsNonRoot: false } }));
    expect(await complaintsOf(control.kubeconfig, objects)).toContain('violates PodSecurity "restricted');
  });
});

/** A kind of Prometheus Operator's, without its schema. */
function ofPrometheusOperator(kind: string) {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { kind, plural },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
