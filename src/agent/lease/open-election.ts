/** An election on the Lease that the configuration names, over connections of its own: what the agent waits for does not hold it up. */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { ClusterAccess } from '../kubernetes/cluster-access.ts';
import { KubeApi } from '../kubernetes/kube-api.ts';
import type { KubeObserver } from '../kubernetes/kube-api.ts';
import { identityOf, leaseTimes } from './candidate.ts';
import { Election } from './election.ts';
import { leaseDoor } from './lease-door.ts';

export interface LeaseConfig {
  name: string;
  /** The agent's own. */
  namespace: string;
  /** This agent's name in it: of its pod. */
  pod: string;
  leaseMs: number;
}

export interface OpenElectionOptions {
  access: ClusterAccess;
  clock: Clock;
  log: Log;
  random: () => number;
  /** Told of each request. */
  observe: KubeObserver;
  onLost: () => void;
  onTurn: (quietMs: number) => void;
}

export function openElection(lease: LeaseConfig, options: OpenElectionOptions): Election {
  const { access, observe, ...rest } = options;
  const door = leaseDoor(new KubeApi(access, options.clock, observe), lease);
  const log = options.log.child({ lease: `${lease.namespace}/${lease.name}` });
  const self = identityOf(lease.pod, randomUUID());
  return new Election({ ...rest, log, door, self, times: leaseTimes(lease.leaseMs) });
}
