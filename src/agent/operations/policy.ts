/** What the agent refuses whoever asks: set by its installation, not by the orchestrator. Pure. */

import { SluiceError } from '../../shared/errors.ts';
import { groupOf } from '../../protocol/kube-object.ts';
import type { KubeObject, ObjectRef } from '../../protocol/kube-object.ts';
import type { Operation } from '../../protocol/operation.ts';

export interface Policy {
  allowedNamespaces: readonly string[];
  /** What it may do to which kinds, as its Role says it. Absent: all that the API server lets it do. */
  rights?: readonly Right[];
  /** The largest size it may give a workload, and the largest an autoscaler may be allowed. */
  maxReplicas?: number;
  /** `Kind/name` or `name`, with `*` for any part: never written, never deleted. */
  protectedNames?: readonly string[];
  /** It reads and tries out, and changes nothing. */
  readOnly?: boolean;
  /** Where `http` may go: an origin, and perhaps how the path begins. Default: nowhere. */
  http?: readonly string[];
  /** Ports of pods that `scrape` may read. Default: the Linkerd proxies' 4191. */
  scrapePorts?: readonly number[];
}

type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';

export interface Right {
  /** API group; empty: the core. */
  group: string;
  /** `Deployment`; `Pod/log` for what lies below one. */
  kinds: readonly string[];
  verbs: readonly Verb[];
}

/** The rules by the names people set them by: a refusal says which. */
type Rule = 'allowedNamespaces' | 'rights' | 'maxReplicas' | 'protectedNames' | 'readOnly' | 'http' | 'scrapePorts';

const SCRAPE_PORTS = [4191];

/** One thing an operation does to one object, or to all of a kind. */
interface Touch {
  verb: Verb;
  apiVersion: string;
  kind: string;
  namespace: string;
  name?: string;
  /** Something is changed by it; a trial run changes nothing. */
  isWrite: boolean;
  /** Sizes that it asks for. */
  replicas: number[];
}

/**
 * Every namespace an operation touches must be the one it says it is for, and that one must be allowed; then each rule.
 * Kinds without a namespace are refused where the kind is looked up: only discovery knows them.
 * @throws SluiceError POLICY
 */
export function checkPolicy(operation: Operation, policy: Policy): void {
  const { spec } = operation;
  if (spec.kind === 'http') {
    checkUrl(spec.url, policy);
    if (policy.readOnly && spec.method !== 'GET' && spec.method !== 'HEAD')
      throw policyError('it may only read', 'readOnly');
    return;
  }
  if (spec.kind === 'scrape') {
    const ports = policy.scrapePorts ?? SCRAPE_PORTS;
    if (!ports.includes(spec.port))
      throw policyError(`port ${spec.port} is not one of ${ports.join(', ')}`, 'scrapePorts');
  }
  if (spec.kind === 'reviewAccess') checkNamespace(spec.namespace, operation, policy);
  for (const touch of touches(operation)) {
    checkNamespace(touch.namespace, operation, policy);
    checkTouch(touch, policy);
  }
}

/** @throws SluiceError POLICY where the allow-list does not hold the URL. Its address is checked once more when it is dialled. */
export function checkUrl(text: string, { http = [] }: Policy): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw policyError(`${text.slice(0, 200)} is no http(s) URL`, 'http');
  if (url.username || url.password) throw policyError('a URL with a user or a password in it ends up in logs', 'http');
  const isAllowed = http.some((entry) => {
    const allowed = URL.parse(entry);
    return allowed?.origin === url.origin && isBelow(url.pathname, allowed.pathname);
  });
  if (!isAllowed) {
    const list = http.length === 0 ? 'its list is empty' : `allowed are ${http.join(', ')}`;
    throw policyError(`it may not call ${url.origin}${url.pathname} (${list})`, 'http');
  }
  return url;
}

/** @param rule the Helm value that says so. */
export function policyError(why: string, rule: Rule = 'allowedNamespaces'): SluiceError {
  const value = rule === 'allowedNamespaces' || rule === 'rights' ? rule : `policy.${rule}`;
  return new SluiceError(
    'POLICY',
    `The agent refuses this: ${why}. What it may do is set where it is installed, by its Helm value ${value}.`,
    { disposition: 'stalled' },
  );
}

function checkNamespace(namespace: string, operation: Operation, { allowedNamespaces }: Policy): void {
  if (!allowedNamespaces.includes(namespace)) {
    const shown = namespace === '' ? '(none given)' : namespace;
    throw policyError(`namespace ${shown} is not one of its allowed namespaces (${allowedNamespaces.join(', ')})`);
  }
  if (namespace !== operation.namespace) {
    throw policyError(`the operation is for namespace ${operation.namespace} and names an object in ${namespace}`);
  }
}

function checkTouch(touch: Touch, { rights, readOnly, protectedNames = [], maxReplicas }: Policy): void {
  const { verb, apiVersion, kind, name, isWrite, replicas } = touch;
  const group = groupOf(apiVersion);
  const shown = group === '' ? kind : `${kind} (${group})`;
  const granted = rights?.some(
    (right) => right.group === group && right.kinds.includes(kind) && right.verbs.includes(verb),
  );
  if (granted === false) throw policyError(`it has no right to ${verb} objects of kind ${shown}`, 'rights');
  if (!isWrite) return;
  if (readOnly) throw policyError(`it may only read, and this would ${verb} ${kind} ${name}`, 'readOnly');
  const guardedBy = protectedNames.find((pattern) => matches(pattern, kind, name ?? ''));
  if (guardedBy !== undefined) throw policyError(`${kind} ${name} is protected (${guardedBy})`, 'protectedNames');
  const most = Math.max(0, ...replicas);
  if (maxReplicas !== undefined && most > maxReplicas) {
    throw policyError(`${most} replicas of ${kind} ${name} are more than ${maxReplicas}`, 'maxReplicas');
  }
}

function touches(operation: Operation): Touch[] {
  const { spec, namespace } = operation;
  const toObject = (verb: Verb, ref: ObjectRef, isWrite: boolean, replicas: number[] = []): Touch => {
    const { apiVersion, kind, name, namespace: own = namespace } = ref;
    return { verb, apiVersion, kind, namespace: own, name, isWrite, replicas };
  };
  const toAll = (verb: Verb, apiVersion: string, kind: string, inNamespace: string): Touch => {
    return { verb, apiVersion, kind, namespace: inNamespace, isWrite: false, replicas: [] };
  };
  switch (spec.kind) {
    case 'apply':
      return spec.objects.map((object) => toObject('patch', refIn(object), spec.dryRun !== true, sizesIn(object)));
    case 'patch':
      return [toObject('patch', spec.object, true, sizesIn(spec.body))];
    case 'scale':
      return [toObject('patch', spec.object, true, [spec.replicas])];
    case 'delete':
      return [toObject('delete', spec.object, true)];
    case 'get':
      return [toObject('get', spec.object, false)];
    case 'list':
      return [toAll('list', spec.apiVersion, spec.objectKind, spec.namespace)];
    case 'logs':
      return [toAll('list', 'v1', 'Pod', spec.namespace), toAll('get', 'v1', 'Pod/log', spec.namespace)];
    case 'scrape':
      return [toAll('list', 'v1', 'Pod', spec.namespace)];
    case 'guard':
      return [
        toObject('patch', spec.holder, true),
        ...spec.writes.map(({ object, body }) => toObject('patch', object, true, sizesIn(body))),
      ];
    case 'reviewAccess':
    // Asks what the agent may do, and needs no right for that.
    case 'discover':
    case 'http':
      // Which kinds a cluster serves is no secret of a namespace.
      return [];
  }
}

function refIn({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): ObjectRef {
  return { apiVersion, kind, name, ...(namespace && { namespace }) };
}

/** The sizes that an object or a patch of one asks for: its own, and the most an autoscaler may give. */
function sizesIn(body: unknown): number[] {
  if (Array.isArray(body)) {
    const steps = body as { path?: unknown; value?: unknown }[];
    return steps.flatMap(({ path, value }) => {
      if (path === '/spec/replicas' || path === '/spec/maxReplicas') return numbers(value);
      return path === '/spec' ? sizesIn({ spec: value }) : [];
    });
  }
  const { spec } = (body ?? {}) as { spec?: { replicas?: unknown; maxReplicas?: unknown } | null };
  return numbers(spec?.replicas, spec?.maxReplicas);
}

function numbers(...values: unknown[]): number[] {
  return values.filter((value): value is number => typeof value === 'number');
}

function matches(pattern: string, kind: string, name: string): boolean {
  const text = pattern.includes('/') ? `${kind}/${name}` : name;
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}

/** `/hooks` holds `/hooks` and `/hooks/a`, not `/hooks2`. */
function isBelow(path: string, allowed: string): boolean {
  return path === allowed || path.startsWith(allowed.endsWith('/') ? allowed : `${allowed}/`);
}
