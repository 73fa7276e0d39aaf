/** A guard's writes: all at once, and each again until it is made. */

import { nextDelay } from '../../shared/backoff.ts';
import { pause } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { ObjectRef } from '../../protocol/kube-object.ts';
import { pathOf } from '../kubernetes/resources.ts';
import { FIELD_MANAGER } from '../operations/context.ts';
import type { Cluster } from '../operations/context.ts';

export interface GuardWrite {
  object: ObjectRef;
  /** A merge patch. */
  body: unknown;
}

export interface WriteAllOptions {
  cluster: Cluster;
  namespace: string;
  log: Log;
  random: () => number;
  /** Ends the attempts. */
  signal: AbortSignal;
  /** The cluster has said something: whoever waits tries again now. */
  onNudge: (retry: () => void) => () => void;
}

/** KubeApi has tried four times by then. */
const RETRY = { baseMs: 500, capMs: 10_000 };

/** Resolves when every write is made, its object is gone, or `signal` aborts. Never rejects. */
export async function writeAll(writes: readonly GuardWrite[], options: WriteAllOptions): Promise<void> {
  await Promise.all(writes.map((write) => writeUntilDone(write, options)));
}

async function writeUntilDone(write: GuardWrite, options: WriteAllOptions): Promise<void> {
  const { log, random, signal } = options;
  const { kind, name } = write.object;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await writeOnce(write, options);
      return;
    } catch (error) {
      if (signal.aborted) return;
      const code = codeOf(error);
      // What is gone holds no weights.
      if (code === 'NOT_FOUND' || code === 'UNSUPPORTED') {
        log.warn({ kind, object: name, err: error }, 'guard found nothing to write to');
        return;
      }
      log.error({ kind, object: name, err: error }, 'guard could not write, tries again');
      await retryTime(nextDelay(failures, RETRY, random), options);
    }
  }
}

async function writeOnce({ object, body }: GuardWrite, options: WriteAllOptions): Promise<void> {
  const { cluster, namespace, signal } = options;
  const resource = await cluster.resources.find(object.apiVersion, object.kind);
  await cluster.api.text({
    method: 'PATCH',
    path: pathOf(resource, namespace, object.name),
    query: { fieldManager: FIELD_MANAGER },
    contentType: 'application/merge-patch+json',
    body,
    what: `guard: patch ${object.kind} ${namespace}/${object.name}`,
    signal,
  });
}

async function retryTime(ms: number, { signal, onNudge }: WriteAllOptions): Promise<void> {
  const nudged = new AbortController();
  const forget = onNudge(() => nudged.abort());
  await pause(ms, AbortSignal.any([signal, nudged.signal]));
  forget();
}
