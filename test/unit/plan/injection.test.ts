import { describe, expect, it } from 'vitest';
import { injectionWarnings, proxyOf, type Injection } from '../../../src/orchestrator/plan/injection.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

interface Parts {
  containers?: object[];
  initContainers?: object[];
  status?: object;
  deletionTimestamp?: string;
}

function pod(
  name: string,
  { containers = [{ name: 'web' }], initContainers = [], status, ...more }: Parts,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...more },
    spec: { containers, initContainers },
    status: status ?? {},
  };
}

const ready = { containerStatuses: [{ name: 'linkerd-proxy', ready: true }] };
const meshed = (name: string): KubeObject =>
  pod(name, { containers: [{ name: 'web' }, { name: 'linkerd-proxy' }], status: ready });

function warnings(more: Partial<Injection>, inject?: string): string {
  const annotations: Record<string, string> = inject === undefined ? {} : { 'linkerd.io/inject': inject };
  const template = { metadata: { annotations }, spec: { containers: [{ name: 'web' }] } };
  return injectionWarnings({ deployment: 'web', template, pods: [meshed('a')], steps: [], ...more }).join('\n');
}

const analysis: Injection['steps'] = [
  {
    kind: 'analysis',
    queries: [
      { name: 'errors', template: 'sum(rate(response_total{x="y"}[1m]))', upperLimit: 1 },
      { name: 'own', template: 'my_response_totals', upperLimit: 1 },
    ],
    intervalMs: 1,
    runs: 1,
    rollBackMode: 'automatic',
    rollForwardMode: 'automatic',
    lookback: 'unset',
    abortOnFailedJudgment: false,
    context: {},
  },
];

describe("a pod's proxy is seen", () => {
  it('as a container, as a native sidecar, and by the port of its metrics', () => {
    expect(proxyOf(meshed('a'))).toBe('ready');
    const sidecar = { initContainers: [{ name: 'linkerd-init' }, { name: 'linkerd-proxy' }] };
    const status = { initContainerStatuses: [{ name: 'linkerd-proxy', ready: true }] };
    expect(proxyOf(pod('a', { ...sidecar, status }))).toBe('ready');
    expect(proxyOf(pod('a', sidecar))).toBe('unready');
    const waiting = { initContainerStatuses: [{ name: 'linkerd-proxy', ready: false }] };
    expect(proxyOf(pod('a', { ...sidecar, status: waiting }))).toBe('unready');
    const containers = [{ name: 'app', ports: [{ name: 'linkerd-admin' }] }];
    expect(proxyOf(pod('a', { containers, status: { containerStatuses: [{ name: 'app', ready: true }] } }))).toBe(
      'ready',
    );
    expect(proxyOf(pod('a', { initContainers: [{ name: 'linkerd-init' }] }))).toBe('none');
  });
});

describe('a run is warned, never stopped', () => {
  it('not at all where every pod has a proxy that is ready', () => {
    expect(warnings({})).toBe('');
    expect(warnings({}, 'enabled')).toBe('');
  });

  it('where no pod is meshed: what still works, what does not, and the annotation that helps', () => {
    const said = warnings({ pods: [pod('a', {}), pod('b', {})], steps: analysis });
    expect(said).toContain('Deployment web is not meshed: none of its 2 pods has a linkerd-proxy container');
    expect(said).toContain('no mesh metrics of them (errors of the analysis asks for them)');
    expect(said).toContain('linkerd.io/inject: enabled');
  });

  it('where some are, and leaves out those that are ending', () => {
    const pods = [meshed('a'), pod('b', {}), pod('c', { deletionTimestamp: 'now' })];
    expect(warnings({ pods })).toContain('only 1 of its 2 pods');
    expect(warnings({ pods })).toContain('kubectl rollout restart deployment/web');
  });

  it('where a proxy is not ready', () => {
    const unready = pod('b', { containers: [{ name: 'linkerd-proxy' }] });
    expect(warnings({ pods: [unready] })).toContain('linkerd-proxy of pod b of Deployment web is not ready');
  });

  it('where the new template asks for no proxy, or for ingress mode', () => {
    expect(warnings({}, 'disabled')).toContain("while the old version's are");
    expect(warnings({ pods: [] }, 'disabled')).toContain('ask not to be meshed (linkerd.io/inject: disabled)');
    expect(warnings({}, 'ingress')).toContain('l5d-dst-override');
  });
});
