/** Are the pods meshed? Read from the pods that run and from what the template asks for; only ever a warning. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { CanaryStep } from '../file/resolved.ts';
import type { PodTemplate } from './workload.ts';

/*
 * A split is made by the proxies of the clients: it holds for pods without a proxy as well, so a run is not stopped. What is
 * lost is mTLS to these pods and the series of their proxies, by which a canary is judged.
 */

const PROXY = 'linkerd-proxy';
/** The port of the proxy's metrics, by which a scraper finds it whatever its container is called. */
const ADMIN_PORT = 'linkerd-admin';
/** What a proxy counts: a query that reads these has no data of pods without one. */
const MESH_SERIES = /\b(request_total|response_total|response_latency_ms)/;

interface Container {
  name: string;
  ports?: { name?: string }[];
}

interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
}

interface PodStatus {
  containerStatuses?: { name: string; ready?: boolean }[];
  initContainerStatuses?: { name: string; ready?: boolean }[];
}

type Proxy = 'ready' | 'unready' | 'none';

/** The proxy of a pod: a container, or an init container that stays (a native sidecar). */
export function proxyOf(pod: KubeObject): Proxy {
  const name = proxyIn(pod['spec']);
  if (name === undefined) return 'none';
  // The API server's schema guarantees the shape.
  const status = (pod['status'] ?? {}) as PodStatus;
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  return statuses.some((entry) => entry.name === name && entry.ready === true) ? 'ready' : 'unready';
}

function proxyIn(spec: unknown): string | undefined {
  const { containers = [], initContainers = [] } = (spec ?? {}) as PodSpec;
  return [...containers, ...initContainers].find(
    ({ name, ports }) => name === PROXY || ports?.some((port) => port.name === ADMIN_PORT) === true,
  )?.name;
}

export interface Injection {
  deployment: string;
  /** What the Deployment would become. */
  template: PodTemplate;
  /** Pods of the stable, as they run. */
  pods: KubeObject[];
  steps: CanaryStep[];
}

/** Warnings only, each with what to do. */
export function injectionWarnings(injection: Injection): string[] {
  const asked = injection.template.metadata?.annotations?.['linkerd.io/inject'];
  return [...runningWarnings(injection, asked), ...askedWarnings(injection, asked)];
}

/** What the namespace's annotation came to shows in the pods: a namespace itself is out of an agent's reach. */
function runningWarnings({ deployment, template, pods, steps }: Injection, asked: string | undefined): string[] {
  const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const proxies = alive.map((pod) => ({ pod: pod.metadata.name, proxy: proxyOf(pod) }));
  const without = proxies.filter(({ proxy }) => proxy === 'none').map(({ pod }) => pod);
  const unready = proxies.filter(({ proxy }) => proxy === 'unready').map(({ pod }) => pod);
  const warnings: string[] = [];
  if (without.length > 0) {
    const which = without.length === alive.length ? 'none' : `only ${alive.length - without.length}`;
    const isAsked = asked === 'enabled' || asked === 'ingress' || proxyIn(template.spec) !== undefined;
    const todo =
      isAsked || without.length < alive.length
        ? `those that started before they were to be meshed need \`kubectl rollout restart deployment/${deployment}\``
        : `annotate the pod template or the namespace with linkerd.io/inject: enabled, and restart the pods`;
    warnings.push(
      `Deployment ${deployment} is not meshed: ${which} of its ${alive.length} pods has a ${PROXY} container. Clients' proxies split its traffic all the same; without one there is no mTLS to these pods, and no mesh metrics of them${meshQueries(steps)}: ${todo}`,
    );
  }
  if (unready.length > 0) {
    warnings.push(
      `the ${PROXY} of pod ${unready.join(', ')} of Deployment ${deployment} is not ready: see \`kubectl logs ${unready[0]} -c ${PROXY}\``,
    );
  }
  return warnings;
}

function askedWarnings({ deployment, pods, steps }: Injection, asked: string | undefined): string[] {
  if (asked === 'disabled') {
    const isLess = pods.some((pod) => proxyOf(pod) !== 'none');
    const change = isLess ? ", while the old version's are: the two cannot be compared by mesh metrics" : '';
    return [
      `the new pods of Deployment ${deployment} ask not to be meshed (linkerd.io/inject: disabled)${change}${isLess ? meshQueries(steps) : ''}`,
    ];
  }
  if (asked === 'ingress') {
    return [
      `the new pods of Deployment ${deployment} run their proxy in ingress mode (linkerd.io/inject: ingress): their own requests follow a split only by the header l5d-dst-override, not by the Service's address`,
    ];
  }
  return [];
}

function meshQueries(steps: CanaryStep[]): string {
  const queries = steps.flatMap((step) => (step.kind === 'analysis' ? step.queries : []));
  const names = [...new Set(queries.filter(({ template }) => MESH_SERIES.test(template)).map(({ name }) => name))];
  return names.length === 0
    ? ''
    : ` (${names.join(', ')} of the analysis ask${names.length === 1 ? 's' : ''} for them)`;
}
