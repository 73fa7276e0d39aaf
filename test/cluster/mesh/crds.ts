/**
 * The kinds the test mesh acts on, as CRDs of our own: small, but strict and lenient in the same places as those that
 * Linkerd, linkerd-smi and Gateway API ship (what they prune, default and refuse is what a canary tool meets).
 */

/** A CustomResourceDefinition, as far as its readers here need to know it. */
export interface Crd {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string' };
const intOrString: Schema = { 'x-kubernetes-int-or-string': true };
const free: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function object(properties: Record<string, Schema>, required: string[] = []): Schema {
  return required.length === 0 ? { type: 'object', properties } : { type: 'object', properties, required };
}

function list(items: Schema, more: Schema = {}): Schema {
  return { type: 'array', items, ...more };
}

function port(more: Schema = {}): Schema {
  return { type: 'integer', format: 'int32', minimum: 1, maximum: 65535, ...more };
}

interface Names {
  group: string;
  kind: string;
  plural: string;
  shortNames?: string[];
}

function crd({ group, kind, plural, shortNames = [] }: Names, versions: unknown[]): Crd {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      versions,
    },
  };
}

function splitVersion(name: string, storage: boolean, weight: Schema): unknown {
  const backend = object({ service: text, weight }, ['service', 'weight']);
  const spec = object({ service: text, backends: list(backend) }, ['service', 'backends']);
  return { name, served: true, storage, schema: { openAPIV3Schema: object({ spec }) } };
}

/**
 * `TrafficSplit` as linkerd-smi installs it: v1alpha1 stored, v1alpha2 served without conversion, later versions absent.
 * A weight is not checked beyond its type: "abc" (v1alpha1) and -5 (v1alpha2) are let in.
 */
export const trafficSplits = crd(
  { group: 'split.smi-spec.io', kind: 'TrafficSplit', plural: 'trafficsplits', shortNames: ['ts'] },
  [splitVersion('v1alpha1', true, intOrString), splitVersion('v1alpha2', false, { type: 'number' })],
);

const quantity: Schema = {
  ...intOrString,
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  pattern: String.raw`^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?(\d+(\.\d*)?|\.\d+))?$`,
};

/** `ServiceProfile` as Linkerd has it; of its fields only `dstOverrides` is checked here. */
export const serviceProfiles = crd(
  { group: 'linkerd.io', kind: 'ServiceProfile', plural: 'serviceprofiles', shortNames: ['sp'] },
  [
    {
      name: 'v1alpha2',
      served: true,
      storage: true,
      schema: {
        openAPIV3Schema: object({
          spec: object({
            dstOverrides: list(object({ authority: text, weight: quantity })),
            opaquePorts: list(text),
            retryBudget: free,
            routes: list(free),
          }),
        }),
      },
    },
  ],
);

/** `group` and `kind` default to a Gateway's, which is why a route for a Service must say both. */
const parentRef = object(
  {
    group: { ...text, default: 'gateway.networking.k8s.io' },
    kind: { ...text, default: 'Gateway' },
    namespace: text,
    name: text,
    sectionName: text,
    port: port(),
  },
  ['name'],
);

const backendRef = object(
  {
    group: { ...text, default: '' },
    kind: { ...text, default: 'Service' },
    namespace: text,
    name: text,
    port: port(),
    weight: { type: 'integer', format: 'int32', default: 1, minimum: 0, maximum: 1_000_000 },
    filters: list(free, { maxItems: 16 }),
  },
  ['name'],
);

const everyPath = { path: { type: 'PathPrefix', value: '/' } };

const match = object({
  path: {
    ...object({ type: { ...text, default: 'PathPrefix' }, value: { ...text, default: '/' } }),
    default: everyPath.path,
  },
  headers: list(free, { maxItems: 16 }),
  queryParams: list(free, { maxItems: 16 }),
  method: text,
});

const rule = object({
  name: text,
  matches: list(match, { maxItems: 64, default: [everyPath] }),
  filters: list(free, { maxItems: 16 }),
  backendRefs: list(backendRef, { maxItems: 16 }),
  timeouts: free,
});

const condition = object(
  {
    type: text,
    status: { ...text, enum: ['True', 'False', 'Unknown'] },
    reason: text,
    message: text,
    lastTransitionTime: { ...text, format: 'date-time' },
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
  },
  ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
);

const parentStatus = object(
  {
    parentRef,
    controllerName: text,
    conditions: list(condition, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  },
  ['parentRef', 'controllerName'],
);

/** `HTTPRoute` v1 with its status subresource: parents, matches and backends; filters are let through unread. */
export const httpRoutes: Crd = withApproval(
  crd({ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', plural: 'httproutes' }, [
    {
      name: 'v1',
      served: true,
      storage: true,
      subresources: { status: {} },
      schema: {
        openAPIV3Schema: object(
          {
            spec: object({
              parentRefs: list(parentRef, { maxItems: 32 }),
              hostnames: list(text, { maxItems: 16 }),
              rules: list(rule, { maxItems: 16, default: [{ matches: [everyPath] }] }),
            }),
            status: object({ parents: list(parentStatus, { maxItems: 32 }) }, ['parents']),
          },
          ['spec'],
        ),
      },
    },
  ]),
);

/** The API server refuses a CRD in a k8s.io group that does not say whether its API was approved. */
function withApproval(of: Crd): Crd {
  const annotations = { 'api-approved.kubernetes.io': 'unapproved, a small copy for tests' };
  return { ...of, metadata: { ...of.metadata, annotations } };
}
