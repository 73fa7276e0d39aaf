/** What the load generator counted, and the difference between two times. */

/** What one version answered. An error that the app gives on purpose (5xx) is an answer, and counted beside. */
interface VersionCount {
  answered: number;
  serverErrors: number;
}

/** One kind of request that got no answer from the app: refused, reset, timed out, or failed by the mesh itself. */
interface FailureCount {
  count: number;
  /** The first one's message. */
  sample: string;
  first: string;
  last: string;
}

/** One client's requests. `sent` is `answered` + `failed` + those in flight. */
export interface ClientCounts {
  sent: number;
  answered: number;
  failed: number;
  serverErrors: number;
  /** Not sent, since all of the client's workers were busy: the rate was not kept. */
  skipped: number;
  byVersion: Record<string, VersionCount>;
  failures: Record<string, FailureCount>;
}

/** A client's counts with what it is and how its proxy routes now. */
export interface ClientState extends ClientCounts {
  name: string;
  mode: 'meshed' | 'unmeshed';
  began: string;
  stopped: boolean;
  /** When the oldest request was sent that has no answer yet; empty if there is none. */
  oldest: string;
  /** Meshed clients only: the mode its stack was built in, what it follows, and the weights it uses. */
  stack: { mode: 'profile' | 'policy'; via: 'split' | 'route' | 'root'; weights: Record<string, number> } | null;
}

/** All clients at one time. */
export interface Snapshot {
  at: string;
  clients: Record<string, ClientState>;
}

/** Each client's counts from `earlier` to `later`; a client that started in between counts from its start. */
export function difference(earlier: Snapshot, later: Snapshot): Record<string, ClientCounts> {
  const entries = Object.entries(later.clients).map(
    ([name, now]) => [name, since(earlier.clients[name], now)] as const,
  );
  return Object.fromEntries(entries);
}

/** The part of a client's answers that came from `version`, 0 to 1; 0 if there were none. */
export function shareOf({ answered, byVersion }: ClientCounts, version: string): number {
  return answered === 0 ? 0 : (byVersion[version]?.answered ?? 0) / answered;
}

function since(before: ClientCounts | undefined, now: ClientCounts): ClientCounts {
  const less = (field: 'sent' | 'answered' | 'failed' | 'serverErrors' | 'skipped'): number =>
    now[field] - (before?.[field] ?? 0);
  return {
    sent: less('sent'),
    answered: less('answered'),
    failed: less('failed'),
    serverErrors: less('serverErrors'),
    skipped: less('skipped'),
    byVersion: kept(
      now.byVersion,
      (version, { answered, serverErrors }) => ({
        answered: answered - (before?.byVersion[version]?.answered ?? 0),
        serverErrors: serverErrors - (before?.byVersion[version]?.serverErrors ?? 0),
      }),
      ({ answered }) => answered > 0,
    ),
    failures: kept(
      now.failures,
      (kind, failure) => ({
        ...failure,
        count: failure.count - (before?.failures[kind]?.count ?? 0),
      }),
      ({ count }) => count > 0,
    ),
  };
}

function kept<T>(
  record: Record<string, T>,
  change: (key: string, value: T) => T,
  keep: (value: T) => boolean,
): Record<string, T> {
  const changed = Object.entries(record).map(([key, value]) => [key, change(key, value)] as const);
  return Object.fromEntries(changed.filter(([, value]) => keep(value)));
}
