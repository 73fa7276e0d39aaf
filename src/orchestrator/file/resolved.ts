/** A deployment file after reading: checked, defaults filled in, manifests parsed, one entry per target. */

import type { KubeObject } from '../../protocol/kube-object.ts';

export interface ResolvedFile {
  application: string;
  description: string;
  /** File-level context variables with the caller's merged over them. */
  context: Record<string, string>;
  targets: ResolvedTarget[];
  ifInProgress: 'reject';
}

export interface ResolvedTarget {
  name: string;
  account: string;
  namespace: string;
  /** Names of targets that must have succeeded first. */
  dependsOn: string[];
  objects: ResolvedObject[];
  /** Absent where no manifest of the target is a Deployment: then it is a plain apply. */
  strategy?: { name: string; steps: CanaryStep[] };
  smi: SmiEntry[];
  /** How long pods may take to become ready before the run is rolled back. */
  readyTimeoutMs: number;
  guard: GuardSettings;
}

/** When the agent sends all traffic to the stable by itself, beside a container that breaks. */
export interface GuardSettings {
  /** Ready canary endpoints: below it. */
  minReady: MinReady;
  /** What it does when it has not heard of the orchestrator for so long. */
  lostContact: { afterMs: number; do: 'rollback' | 'hold' };
}

/** A share is of the canary's pods, rounded up. */
export type MinReady = { count: number } | { percent: number };

export interface ResolvedObject {
  object: KubeObject;
  /** Where it was written, for messages: `manifests/app.yaml#2` or `deploy.yaml:31 (inline)`. */
  source: string;
}

export interface SmiEntry {
  rootServiceName: string;
  /** Given: must exist, is used. Absent: `<root>-canary` is made and removed. */
  canaryServiceName?: string;
  /** Default: the root's name. */
  trafficSplitName: string;
  /** Split and backends stay after the run, for the next one: absent is false. */
  retain?: boolean;
}

export type CanaryStep = SetWeightStep | PauseStep | ApprovalStep | AnalysisStep | RunJobStep;

/** Percent of traffic to the canary, 0 to 100, in hundredths at the finest. */
export interface SetWeightStep {
  kind: 'setWeight';
  weight: number;
}

export interface PauseStep {
  kind: 'pause';
  durationMs: number;
}

export interface ApprovalStep {
  kind: 'approval';
  requiresRoles: string[];
  /** Absent: waits for ever. Past it the run is rolled back. */
  expiresAfterMs?: number;
}

export interface AnalysisStep {
  kind: 'analysis';
  queries: AnalysisQuery[];
  intervalMs: number;
  /** numberOfJudgmentRuns */
  runs: number;
  rollBackMode: 'automatic' | 'manual';
  rollForwardMode: 'automatic' | 'manual';
  lookback: 'growing' | 'sliding' | 'unset';
  abortOnFailedJudgment: boolean;
  /** Step context merged over the file's. */
  context: Record<string, string>;
}

export interface AnalysisQuery {
  name: string;
  /** Mustache; variables of `armory.*` and `context.*`. */
  template: string;
  upperLimit?: number;
  lowerLimit?: number;
  /** Absent: the orchestrator's only provider. */
  provider?: string;
}

/** An integration test: a Kubernetes Job, its log shown, its end judged. */
export interface RunJobStep {
  kind: 'runJob';
  name: string;
  job: KubeObject;
  source: string;
  timeoutMs: number;
}
