/** What an agent sees of single objects: reduced, by reference, changed ones only. A write's answer is a record of the same form. */

/** The kinds that an agent reduces; every other one it knows by a digest. */
export type KindName =
  | 'Deployment'
  | 'ReplicaSet'
  | 'Pod'
  | 'Service'
  | 'EndpointSlice'
  | 'TrafficSplit'
  | 'HTTPRoute'
  | 'ServiceProfile'
  | 'Job'
  | 'ConfigMap';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * What an order may change, by name; absent reads as null.
 * - Of all kinds: `label:KEY` and `annotation:KEY`; of most kinds only those of Sluice, of a ReplicaSet all.
 * - Deployment: `paused`, `replicas`, `template` (a digest without the hash label); ReplicaSet: `replicas`, `template`.
 * - Service: `selector` (the whole map). TrafficSplit, HTTPRoute, ServiceProfile: `weights` (backend to number).
 * - ConfigMap of a guard: `state`, `orders` (a digest).
 */
export type Fields = Readonly<Record<string, Json>>;

/** Part of an order: a field by name, what was seen of it, and what it is to be. Refused where it is something else by now. */
export interface Change {
  field: string;
  from: Json;
  to: Json;
  /** What is written, where `to` is its digest. */
  value?: Json;
}

export interface ObjectRecord<K extends KindName = KindName> {
  kind: K;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  deleting: boolean;
  /** The newest of its field managers, but for writers of a status. */
  lastManager: string;
  fields: Fields;
  facts: FactsByKind[K];
}

interface DeploymentFacts {
  observedGeneration: number;
  replicas: number;
  /** 0 where the status is older than the spec. */
  updated: number;
  available: number;
}

interface ReplicaSetFacts {
  /** Label pod-template-hash of its template. */
  hash: string;
  /** Of the controlling owner; empty if it has none. */
  ownerUid: string;
  replicas: number;
  available: number;
  createdAt: string;
  /** Why it cannot make pods; empty if it can. */
  failure: string;
}

interface PodFacts {
  hash: string;
  ownerUid: string;
  phase: string;
  ready: boolean;
  restarts: number;
  reason: string;
  message: string;
  failing: boolean;
}

/** Endpoints are pod uids, or addresses where no pod is named. */
interface EndpointSliceFacts {
  service: string;
  ready: string[];
  notReady: string[];
}

interface HttpRouteFacts {
  accepted: boolean;
  resolved: boolean;
  /** 0 where the mesh writes none. */
  observedGeneration: number;
}

interface JobFacts {
  state: 'running' | 'complete' | 'failed';
  reason: string;
  message: string;
}

interface GuardFacts {
  reason: string;
}

type NoFacts = Readonly<Record<string, never>>;

interface FactsByKind {
  Deployment: DeploymentFacts;
  ReplicaSet: ReplicaSetFacts;
  Pod: PodFacts;
  Service: NoFacts;
  EndpointSlice: EndpointSliceFacts;
  TrafficSplit: NoFacts;
  HTTPRoute: HttpRouteFacts;
  ServiceProfile: NoFacts;
  Job: JobFacts;
  ConfigMap: GuardFacts;
}
