/** Pods by the ReplicaSet that owns them, and ReplicaSets by Deployment, also of ReplicaSets that are gone while their pods still end. */

import type { PodEntry } from './reduce-pod.ts';
import type { ReplicaSetEntry } from './reduce-workload.ts';

export class PodIndex {
  #byOwner = new Map<string, Map<string, PodEntry>>();
  /** ReplicaSet uid -> Deployment name. An entry outlives its ReplicaSet until the last pod of it is gone. */
  #deployments = new Map<string, string>();
  #gone = new Set<string>();

  set(name: string, previous: PodEntry | undefined, next: PodEntry | undefined): void {
    if (previous && previous.ownerUid !== next?.ownerUid) this.#remove(previous.ownerUid, name);
    if (!next) return;
    const siblings = this.#byOwner.get(next.ownerUid);
    if (siblings) siblings.set(name, next);
    else this.#byOwner.set(next.ownerUid, new Map([[name, next]]));
  }

  setOwner(previous: ReplicaSetEntry | undefined, next: ReplicaSetEntry | undefined): void {
    if (next) {
      this.#deployments.set(next.record.uid, next.deployment);
      this.#gone.delete(next.record.uid);
    }
    if (previous && previous.record.uid !== next?.record.uid) {
      this.#gone.add(previous.record.uid);
      this.#forgetIfEmpty(previous.record.uid);
    }
  }

  deploymentOf(ownerUid: string): string | undefined {
    return this.#deployments.get(ownerUid);
  }

  /** Pods of all ReplicaSets of a Deployment, those of deleted ones included. */
  podsOf(deployment: string): PodEntry[] {
    const owners = [...this.#deployments].filter(([, name]) => name === deployment);
    return owners.flatMap(([uid]) => [...(this.#byOwner.get(uid)?.values() ?? [])]);
  }

  podsOfOwner(ownerUid: string): PodEntry[] {
    return [...(this.#byOwner.get(ownerUid)?.values() ?? [])];
  }

  #remove(ownerUid: string, name: string): void {
    const siblings = this.#byOwner.get(ownerUid);
    siblings?.delete(name);
    if (siblings?.size === 0) this.#byOwner.delete(ownerUid);
    this.#forgetIfEmpty(ownerUid);
  }

  #forgetIfEmpty(uid: string): void {
    if (!this.#gone.has(uid) || this.#byOwner.has(uid)) return;
    this.#gone.delete(uid);
    this.#deployments.delete(uid);
  }
}
