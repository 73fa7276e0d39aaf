/** The Lease object on the API server: read, written only as it was read, followed. */

import { SluiceError } from '../../shared/errors.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { readWatchEvents } from '../kubernetes/watch-events.ts';
import type { LeaseRecord } from './candidate.ts';

/** What is to stand in it. */
export interface LeaseClaim {
  holder: string;
  leaseMs: number;
  /** Of the wall clock: for people, and so that each renewal is a change. */
  nowMs: number;
  /** The holder changes with this write. */
  isTaking: boolean;
}

export interface LeaseDoor {
  /** Undefined: there is none. @throws KubeError */
  read(signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /**
   * Writes over exactly `record`; makes the Lease where that is undefined.
   * @returns undefined where it is another by now. @throws KubeError; what was sent may have been stored all the same.
   */
  write(record: LeaseRecord | undefined, claim: LeaseClaim, signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /** Calls back with what is there and with each change. Resolves when the API server ends it. @throws KubeError */
  follow(signal: AbortSignal, onRecord: (record: LeaseRecord | undefined) => void): Promise<void>;
  close(): void;
}

export interface LeaseName {
  namespace: string;
  name: string;
}

const API_VERSION = 'coordination.k8s.io/v1';
/** The API server ends a watch then, so that one that has died unnoticed does not live for ever. */
const WATCH_SECONDS = 300;

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** Needs the verbs `get`, `patch` and `watch` on the one Lease; `create` where it is not there. */
export function leaseDoor(api: KubeApi, { namespace, name }: LeaseName): LeaseDoor {
  const leases = `/apis/${API_VERSION}/namespaces/${namespace}/leases`;
  const path = `${leases}/${name}`;
  const what = `Lease ${namespace}/${name}`;

  const make = async (claim: LeaseClaim, signal: AbortSignal): Promise<KubeObject> => {
    const body = { apiVersion: API_VERSION, kind: 'Lease', metadata: { name }, spec: specOf(undefined, claim) };
    try {
      return await api.call<KubeObject>({ method: 'POST', path: leases, body, what: `create ${what}`, signal });
    } catch (error) {
      throw statusOf(error) === 403 ? missing(what, error) : error;
    }
  };
  const change = (record: LeaseRecord, claim: LeaseClaim, signal: AbortSignal): Promise<KubeObject> => {
    const body = { metadata: { resourceVersion: record.version }, spec: specOf(record, claim) };
    const contentType = 'application/merge-patch+json';
    return api.call<KubeObject>({ method: 'PATCH', path, body, contentType, what: `write ${what}`, signal });
  };
  return {
    read: async (signal) => {
      try {
        return recordOf(await api.call<KubeObject>({ method: 'GET', path, what: `read ${what}`, signal }));
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
    write: async (record, claim, signal) => {
      try {
        return recordOf(await (record ? change(record, claim, signal) : make(claim, signal)));
      } catch (error) {
        // 404 of a change: it was deleted meanwhile.
        if (statusOf(error) === 409 || (record && statusOf(error) === 404)) return undefined;
        throw error;
      }
    },
    follow: async (signal, onRecord) => {
      // Without a version it begins with what is there, and a Role that names one Lease allows it.
      const query = { watch: true, fieldSelector: `metadata.name=${name}`, timeoutSeconds: WATCH_SECONDS };
      const answer = await api.open({ method: 'GET', path: leases, query, what: `watch ${what}`, signal });
      for await (const { type, object } of readWatchEvents(answer, what, signal)) {
        if (type !== 'BOOKMARK') onRecord(type === 'DELETED' ? undefined : recordOf(object));
      }
    },
    close: () => api.close(),
  };
}

function recordOf(object: KubeObject): LeaseRecord {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } =
    (object['spec'] as LeaseSpec | undefined) ?? {};
  return {
    version: object.metadata.resourceVersion ?? '',
    holder: holderIdentity ?? '',
    leaseMs: (leaseDurationSeconds ?? 0) * 1000,
    acquireTime: acquireTime ?? '',
    renewTime: renewTime ?? '',
    transitions: leaseTransitions ?? 0,
  };
}

function specOf(record: LeaseRecord | undefined, { holder, leaseMs, nowMs, isTaking }: LeaseClaim): LeaseSpec {
  // A MicroTime: the API server takes it only with its six digits.
  const now = new Date(nowMs).toISOString().replace('Z', '000Z');
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.ceil(leaseMs / 1000)),
    renewTime: now,
    acquireTime: isTaking || !record ? now : record.acquireTime,
    leaseTransitions: (record?.transitions ?? 0) + (isTaking ? 1 : 0),
  };
}

/** The chart makes it, so that the Role need not let the agent create any: but not every way to install a chart does. */
function missing(what: string, cause: unknown): SluiceError {
  const hint =
    'Run `helm upgrade` anew, create an empty one of that name, or set lease.agentCreates (Argo CD leaves Leases out)';
  const message = `${what} is not there, and the agent may not create it, so that nobody can lead. ${hint}.`;
  return new SluiceError('NOT_FOUND', message, { disposition: 'stalled', cause });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof KubeError ? error.status : undefined;
}
