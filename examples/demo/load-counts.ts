/** What the load generator counted, and the difference between two of its counts. Pure. */

import type { ClientState } from '../../test/cluster/mesh/counts.ts';

/** The part of a client's counts that the report needs. */
export type ClientCounts = Pick<ClientState, 'mode' | 'answered' | 'failed' | 'byVersion' | 'failures'>;

/** All clients at one moment. */
export interface LoadSnapshot {
  /** ISO time, the load generator's clock. */
  at: string;
  clients: Record<string, ClientCounts>;
}

export interface LoadSecond {
  /** Unix time. */
  second: number;
  byVersion: Record<string, number>;
}

/** Answers of a version between two snapshots, over the clients that `wanted` accepts. A client may have begun in between. */
export function answersBetween(
  before: LoadSnapshot,
  after: LoadSnapshot,
  version: string,
  wanted: (name: string, client: ClientCounts) => boolean = () => true,
): number {
  return sumOver(after, wanted, (name, client) => {
    const earlier = before.clients[name]?.byVersion[version]?.answered ?? 0;
    return (client.byVersion[version]?.answered ?? 0) - earlier;
  });
}

/** Status 5xx that a version gave on purpose, between two snapshots. */
export function serverErrorsBetween(before: LoadSnapshot, after: LoadSnapshot, version: string): number {
  return sumOver(
    after,
    () => true,
    (name, client) => {
      const earlier = before.clients[name]?.byVersion[version]?.serverErrors ?? 0;
      return (client.byVersion[version]?.serverErrors ?? 0) - earlier;
    },
  );
}

/** Requests that got no answer from any version, between two snapshots. */
export function failedBetween(before: LoadSnapshot, after: LoadSnapshot): number {
  return sumOver(
    after,
    () => true,
    (name, client) => client.failed - (before.clients[name]?.failed ?? 0),
  );
}

/** Every version that answered between two snapshots, with how often. */
export function versionsBetween(before: LoadSnapshot, after: LoadSnapshot): Record<string, number> {
  const versions = new Set(Object.values(after.clients).flatMap(({ byVersion }) => Object.keys(byVersion)));
  const counts = [...versions].sort().map((version) => [version, answersBetween(before, after, version)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

export const isUnmeshed = (_name: string, client: ClientCounts): boolean => client.mode === 'unmeshed';

function sumOver(
  snapshot: LoadSnapshot,
  wanted: (name: string, client: ClientCounts) => boolean,
  count: (name: string, client: ClientCounts) => number,
): number {
  return Object.entries(snapshot.clients)
    .filter(([name, client]) => wanted(name, client))
    .reduce((sum, [name, client]) => sum + count(name, client), 0);
}
