/** Pods as the kubelet leaves them, in short. */

import type { KubeObject } from '../../../src/protocol/kube-object.ts';

export interface ContainerJson {
  name?: string;
  state?: object;
  lastState?: object;
  restartCount?: number;
  ready?: boolean;
  started?: boolean;
}

export interface PodJson {
  status?: object;
  spec?: object;
  metadata?: object;
}

export function podJson(containers: ContainerJson[], more: PodJson = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', uid: 'u', labels: { 'pod-template-hash': 'abc' }, ...more.metadata },
    spec: { restartPolicy: 'Always', ...more.spec },
    status: {
      phase: 'Running',
      containerStatuses: containers.map((each) => ({ name: 'app', restartCount: 0, ready: false, ...each })),
      ...more.status,
    },
  };
}

export const waiting = (reason: string, message = ''): object => ({ waiting: { reason, message } });
export const ended = (exitCode: number, reason = 'Error', more: object = {}): object => ({
  terminated: { exitCode, reason, ...more },
});
export const running: object = { running: { startedAt: 'now' } };
export const condition = (type: string, status: string, reason = '', message = ''): object => ({
  conditions: [{ type, status, reason, message }],
});
export const isReady: object = condition('Ready', 'True');
