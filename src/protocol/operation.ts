/** What an agent can be told to do, and how it says that it ended: the domain form of the wire's messages. */

import type { KubeObject, ObjectRef } from './kube-object.ts';

/** Server-side apply under Sluice's one field manager, objects in the given order; stops at the first that fails. */
export interface ApplySpec {
  kind: 'apply';
  objects: KubeObject[];
  /** Nothing is stored; the result holds the objects as they would become. */
  dryRun?: boolean;
  /** Takes fields over from other managers. Without it a conflict is a failure that names the owner. */
  force?: boolean;
}

export interface PatchSpec {
  kind: 'patch';
  object: ObjectRef;
  type: 'merge' | 'strategic' | 'json';
  body: unknown;
  /** Refused with PRECONDITION when the object has another version. */
  resourceVersion?: string;
  /** Sluice lets go of an object that is the user's: the mark of the generation goes off in the same write. Not with `json`. */
  forget?: boolean;
}

export interface ScaleSpec {
  kind: 'scale';
  object: ObjectRef;
  replicas: number;
}

export interface DeleteSpec {
  kind: 'delete';
  object: ObjectRef;
  propagation: 'background' | 'foreground' | 'orphan';
  /** The result is sent once the object is gone, not when its deletion began. */
  waitGone?: boolean;
}

export interface GetSpec {
  kind: 'get';
  object: ObjectRef;
}

export interface ListSpec {
  kind: 'list';
  apiVersion: string;
  objectKind: string;
  namespace: string;
  labelSelector?: string;
  /** Dotted paths to keep beside name, namespace, uid and version; default: everything. */
  fields?: string[];
}

/** Which versions of these API groups the cluster serves, with the kinds of each. */
export interface DiscoverSpec {
  kind: 'discover';
  groups: string[];
}

/** May the agent do this? Answered by the API server (SelfSubjectRulesReview, then SelfSubjectAccessReview for what it leaves open). */
export interface ReviewAccessSpec {
  kind: 'reviewAccess';
  namespace: string;
  rules: AccessRule[];
}

export interface AccessRule {
  group: string;
  resource: string;
  verb: string;
}

/** The last lines of the pods that a selector names. */
export interface LogsSpec {
  kind: 'logs';
  namespace: string;
  labelSelector: string;
  tailLines: number;
}

/** A request from inside the cluster, to an address that the agent's policy allows. */
export interface HttpSpec {
  kind: 'http';
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** For the whole of it, the answer's body included. */
  timeoutMs: number;
  /** A longer answer ends as TOO_LARGE. Default: 64 KiB. */
  maxBytes?: number;
}

/** What the pods' own metrics port says, straight from each ready pod. */
export interface ScrapeSpec {
  kind: 'scrape';
  namespace: string;
  labelSelector: string;
  port: number;
  path: string;
  /** Names of the metrics to keep. */
  metrics: string[];
}

/**
 * What the agent does by itself when the canary breaks or the orchestrator is lost: stored on `holder`, armed again by the
 * agent's successor, until it has fired or is disarmed.
 */
export interface GuardSpec {
  kind: 'guard';
  /** Takes the guard off `holder`; the rest is not looked at. */
  disarm?: boolean;
  /** The object that carries it: the split. */
  holder: ObjectRef;
  /** All traffic to the stable: one merge patch for each object that holds weights. */
  writes: { object: ObjectRef; body: unknown }[];
  rootService: string;
  stableService: string;
  canaryService: string;
  canaryHash: string;
  /** Fires below this number of ready canary endpoints. */
  minReady: number;
  /** Absent: never for lost contact. */
  lostContact?: { afterMs: number; do: 'rollback' | 'hold' };
  rollout: string;
}

export type OperationSpec =
  | ApplySpec
  | PatchSpec
  | ScaleSpec
  | DeleteSpec
  | GetSpec
  | ListSpec
  | DiscoverSpec
  | ReviewAccessSpec
  | LogsSpec
  | HttpSpec
  | ScrapeSpec
  | GuardSpec;

export type OperationKind = OperationSpec['kind'];

export interface Operation {
  /** Idempotency key: the same id is the same deed, however often it is delivered. */
  id: string;
  deploymentId: string;
  /** The target's namespace: the agent's policy and the operation's objects must agree with it. */
  namespace: string;
  /** Milliseconds since the epoch, orchestrator's clock: past it the operation is refused, not done. */
  notAfterMs: number;
  /**
   * Rises with every operation ever asked for, and belongs to this one alone. Written on the object in the same write: equal,
   * it is done already; greater, this one is too old. Absent until the store has given it one, and from an old orchestrator.
   */
  generation?: number;
  /** It may write what a guard that has fired holds: a rollback. */
  afterGuard?: boolean;
  spec: OperationSpec;
}

/** `accepted` and `running` are on the way; the others are terminal. `rejected`: it never ran. */
export type OperationState =
  'accepted' | 'running' | 'rejected' | 'succeeded' | 'failed' | 'superseded' | 'expired' | 'cancelled';

export type TerminalState = Exclude<OperationState, 'accepted' | 'running'>;

/** Why an operation did not succeed: closed and stable; a person's hint is in the message. */
export type ResultCode = (typeof RESULT_CODES)[number];

export const RESULT_CODES = [
  'OK',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'CONFLICT',
  'PRECONDITION',
  'FORBIDDEN',
  'INVALID',
  'POLICY',
  'UNSUPPORTED',
  'EXPIRED',
  'SUPERSEDED',
  'CANCELLED',
  'TOO_LARGE',
  'TIMEOUT',
  'UNAVAILABLE',
  'INTERNAL',
] as const;

/** A code that this side does not know, or one of another list, reads as INTERNAL. */
export function asResultCode(code: string): ResultCode {
  return RESULT_CODES.find((each) => each === code) ?? 'INTERNAL';
}

export interface OperationResult {
  id: string;
  state: TerminalState;
  code: ResultCode;
  /** What happened, to what, and what to do. Empty on success. */
  message: string;
  /** By kind: see `ResultValue`. Present on success only. */
  value?: unknown;
  atMs: number;
}

/** What a succeeded operation of each kind returns in `value`. Of managedFields only who wrote and when; Secrets come without data. */
export interface ResultValue {
  apply: { objects: KubeObject[] };
  patch: { object: KubeObject };
  scale: { object: KubeObject };
  delete: { found: boolean };
  get: { object: KubeObject };
  list: { items: KubeObject[] };
  discover: { groups: Record<string, { version: string; kinds: string[] }[]> };
  reviewAccess: { denied: AccessRule[] };
  logs: { pods: { pod: string; container: string; text: string }[] };
  http: { status: number; headers: Record<string, string>; body: string };
  /** `text`: the kept metrics in the Prometheus text format; `error`: why a pod did not answer. */
  scrape: { pods: { pod: string; hash: string; text: string; error: string }[] };
  /** False: there was none to take off. */
  guard: { armed: boolean };
}
