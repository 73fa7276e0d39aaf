/** What a run may ask of the agents, without knowing of sessions, streams or replicas. */

import type { Operation, OperationResult } from '../../protocol/operation.ts';
import type { Snapshot, Watch } from '../../protocol/snapshot.ts';

export interface AgentLink {
  /**
   * Runs one operation on an account's agent and resolves with its stored terminal result.
   * The operation is stored before it is sent. The same id asked again (after a crash) returns the stored result or goes on waiting.
   * While no agent is connected it waits until `notAfterMs`, then ends as `expired`. Rejects only on `signal`, which gives up
   * the wait and nothing else: the process stops, and the next one goes on.
   * @param options.cancel takes the operation back, as `cancel` does; its result is still awaited.
   */
  execute(
    account: string,
    operation: Operation,
    signal?: AbortSignal,
    options?: { cancel?: AbortSignal },
  ): Promise<OperationResult>;
  /**
   * Takes an operation back: nobody wants it any more. Not sent yet, it ends as `cancelled` at once. One that was sent is over when its
   * agent says how it ended: it is asked to stop, now or at its next session, and may have done it already. Once or often
   * is the same; on one that is over or unknown nothing happens.
   */
  cancel(operationId: string): void;
  /** Has the account's agent watch a workload, now and after each reconnect, until `unwatch`. Same id again: replaces. */
  watch(account: string, watch: Watch): void;
  unwatch(account: string, watchId: string): void;
  /** The newest snapshot of a watch; undefined before the first, and while the agent is away (then nothing is watched). */
  latest(watchId: string): Snapshot | undefined;
  /** Calls back at each new snapshot, and with undefined when the agent goes away. Returns the way to stop. */
  onSnapshot(watchId: string, listener: (snapshot: Snapshot | undefined) => void): () => void;
  /** Accounts with a live session. */
  isConnected(account: string): boolean;
}
