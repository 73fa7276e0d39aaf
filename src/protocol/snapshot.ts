/** The health of one workload as its agent sees it: small records, latest wins, complete each time. */

/** What an agent is asked to watch for a run. Everything named here shows in the snapshots of that id. */
export interface Watch {
  id: string;
  namespace: string;
  /** Name of the Deployment; its ReplicaSets (owned, or labelled `sluice.dev/deployment=<name>`) and their pods follow. */
  deployment: string;
  /** Services whose endpoints are wanted (root, stable, canary). */
  services: string[];
  /** Name of the TrafficSplit, if the run has one. */
  split?: string;
  /** HTTPRoute names, if the run has companions. */
  routes: string[];
  /** Names of ServiceProfiles (`<root>.<ns>.svc.<domain>`), read back after each weight write. */
  profiles: string[];
  /** Names of Jobs (integration tests). */
  jobs: string[];
}

export interface DeploymentRecord {
  uid: string;
  resourceVersion: string;
  generation: number;
  observedGeneration: number;
  paused: boolean;
  /** spec.replicas */
  desired: number;
  replicas: number;
  updated: number;
  ready: number;
  available: number;
  /** Conditions with status False or a reason worth telling (ProgressDeadlineExceeded, ReplicaFailure). */
  problems: { type: string; reason: string; message: string }[];
}

export interface ReplicaSetRecord {
  name: string;
  uid: string;
  /** Label pod-template-hash of its template; empty if it has none. */
  hash: string;
  /** uid of the controlling owner; empty if it has none. */
  ownerUid: string;
  revision: string;
  desired: number;
  replicas: number;
  ready: number;
  available: number;
  createdAt: string;
  /** Condition ReplicaFailure: quota, admission, missing ServiceAccount. Empty if there is none. */
  failure: string;
}

export interface PodRecord {
  name: string;
  uid: string;
  /** Label pod-template-hash. */
  hash: string;
  phase: string;
  ready: boolean;
  deleting: boolean;
  /** Sum over its containers. */
  restarts: number;
  /** What people search for: CrashLoopBackOff, ImagePullBackOff, ErrImageNeverPull, OOMKilled, Unschedulable, CreateContainerConfigError, Error; empty if well. */
  reason: string;
  message: string;
  /** A container of it has ended or cannot start. */
  failing: boolean;
  /** The last lines of the container that failed; absent: none, or not read yet. */
  logTail?: string;
}

export interface EndpointsRecord {
  service: string;
  /** False: the Service itself is not there. */
  exists: boolean;
  /** Pod uids (or addresses where no pod is named) that are ready and not terminating. */
  ready: string[];
  notReady: string[];
}

export interface WeightRecord {
  backend: string;
  /** A number, or -1 where the stored value is none. */
  weight: number;
}

/** TrafficSplit as stored. */
export interface SplitRecord {
  name: string;
  uid: string;
  resourceVersion: string;
  service: string;
  weights: WeightRecord[];
  /**
   * What the agent does by itself; absent: no guard. `holding`: the orchestrator was lost, and the weights stay.
   * `unreadable`: what is stored is no guard's record, so nothing guards.
   */
  guard?: { state: 'armed' | 'fired' | 'holding' | 'unreadable'; reason: string };
}

/** HTTPRoute: one entry of `weights` per backendRef of its rules, by backend name. */
export interface RouteRecord {
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  weights: WeightRecord[];
  /** Conditions the mesh wrote, newest generation only. */
  accepted: boolean;
  resolved: boolean;
  /** 0 where the mesh writes none into its conditions (Linkerd until 2026-08). */
  observedGeneration: number;
  reason: string;
}

/** ServiceProfile: dstOverrides with the quantity as a number; backend is the Service name before the first dot. */
export interface ProfileRecord {
  name: string;
  resourceVersion: string;
  weights: WeightRecord[];
}

export interface JobRecord {
  name: string;
  uid: string;
  active: number;
  succeeded: number;
  failed: number;
  /** complete | failed | running */
  state: 'running' | 'complete' | 'failed';
  reason: string;
  message: string;
}

export interface Snapshot {
  watchId: string;
  /** Rises by one per snapshot of a watch within an agent's life. */
  version: number;
  atMs: number;
  /** The first lists of everything watched are done. */
  complete: boolean;
  /** A watch has been silent or failing: the picture may be old. The reason says which. */
  stale: boolean;
  staleReason: string;
  deployment?: DeploymentRecord;
  replicaSets: ReplicaSetRecord[];
  pods: PodRecord[];
  endpoints: EndpointsRecord[];
  split?: SplitRecord;
  routes: RouteRecord[];
  profiles: ProfileRecord[];
  jobs: JobRecord[];
}
