/** The parts of Deployments, Services and ReplicaSets that a plan reads, taken from their JSON once and by name. */

import type { KubeObject } from '../../protocol/kube-object.ts';

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string>; [key: string]: unknown };
  spec?: { [key: string]: unknown };
}

export interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    paused?: boolean;
    selector: { matchLabels?: Record<string, string>; matchExpressions?: unknown[] };
    template: PodTemplate;
    [key: string]: unknown;
  };
  status?: { observedGeneration?: number; updatedReplicas?: number; replicas?: number; availableReplicas?: number };
}

export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  protocol?: string;
  appProtocol?: string;
}

export interface Service extends KubeObject {
  spec: {
    type?: string;
    clusterIP?: string;
    selector?: Record<string, string>;
    ports?: ServicePort[];
    [key: string]: unknown;
  };
}

export interface ReplicaSet extends KubeObject {
  spec: { replicas?: number; selector: { matchLabels?: Record<string, string> }; template: PodTemplate };
}

/* Casts: these shapes are what the API server's own schema guarantees for the kind that was just checked. */

export function asDeployment(object: KubeObject): Deployment {
  return object as Deployment;
}

export function asService(object: KubeObject): Service {
  return object as Service;
}

export function asReplicaSet(object: KubeObject): ReplicaSet {
  return object as ReplicaSet;
}

export function isDeployment(object: KubeObject): boolean {
  return object.kind === 'Deployment' && object.apiVersion === 'apps/v1';
}

/** Does a Service's selector pick pods with these labels? An empty selector picks none. */
export function selects(selector: Record<string, string> | undefined, labels: Record<string, string>): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
