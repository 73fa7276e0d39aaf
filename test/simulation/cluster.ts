/** A cluster's API server: objects with versions and uids, preconditions, finalizers of deletion left out; and who is told of changes. */

import type { KubeObject } from '../../src/protocol/kube-object.ts';
import type { FailureCode } from '../../src/orchestrator/rollout/retry.ts';
import type { SimulatedClock } from './clock.ts';

export class Refused extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type Listener = (key: string, object: KubeObject | undefined, manager: string) => void;

const keyOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`;

export class Cluster {
  readonly clock: SimulatedClock;
  readonly objects = new Map<string, KubeObject>();
  /** Kinds that cannot be made now: quota, admission. */
  readonly refuses = new Set<string>();
  /** Kinds of which no new object is valid. */
  readonly invalid = new Set<string>();
  /** A mutating webhook. */
  mutate: (object: KubeObject) => void = () => undefined;
  isDown = false;
  #version = 100;
  #uid = 0;
  #listeners: Listener[] = [];

  constructor(clock: SimulatedClock) {
    this.clock = clock;
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** As a client that tries on: the node's. */
  whenUp(act: () => void): void {
    if (this.isDown) this.clock.after(500, () => this.whenUp(act));
    else act();
  }

  get(key: string): KubeObject | undefined {
    return this.objects.get(key);
  }

  ofKind(kind: string): KubeObject[] {
    const found: KubeObject[] = [];
    for (const [key, object] of this.objects) if (key.startsWith(`${kind}/`)) found.push(object);
    return found;
  }

  create(object: KubeObject, manager: string): KubeObject {
    this.#mustBeUp();
    const key = keyOf(object);
    if (this.objects.has(key)) throw new Refused('ALREADY_EXISTS', `${key} already exists`);
    if (this.refuses.has(object.kind)) throw new Refused('FORBIDDEN', `${key} is refused by admission`);
    if (this.invalid.has(object.kind)) throw new Refused('INVALID', `${key} is invalid`);
    const made = structuredClone(object);
    made.metadata.uid = `u${++this.#uid}`;
    made.metadata.generation = 1;
    made.metadata.creationTimestamp = String(this.clock.now).padStart(12, '0');
    const stored = this.#put(key, made, manager);
    // Made beside its owner's deletion: the collector finds it all the same.
    const owners = made.metadata.ownerReferences ?? [];
    const isOrphan = owners.length > 0 && !owners.some(({ uid }) => this.#isThere(uid));
    if (isOrphan) this.clock.after(this.clock.between(500, 2_000), () => this.#collectOne(key, made.metadata.uid));
    return stored;
  }

  #isThere(uid: string): boolean {
    for (const object of this.objects.values()) if (object.metadata.uid === uid) return true;
    return false;
  }

  /** The status alone, as a controller reports it. */
  report(key: string, status: object): void {
    const before = this.objects.get(key);
    if (before === undefined || JSON.stringify(before['status']) === JSON.stringify(status)) return;
    this.#mustBeUp();
    this.#put(key, { ...before, metadata: { ...before.metadata }, status }, '');
  }

  /** @param change edits a copy. @param isStatus the generation stays. */
  update(key: string, manager: string, change: (object: KubeObject) => void, isStatus = false): KubeObject {
    this.#mustBeUp();
    const before = this.objects.get(key);
    if (before === undefined) throw new Refused('NOT_FOUND', `${key} not found`);
    const text = JSON.stringify(before);
    const after = JSON.parse(text) as KubeObject;
    change(after);
    if (!isStatus && manager === 'sluice') this.mutate(after);
    if (JSON.stringify(after) === text) return before;
    if (!isStatus && JSON.stringify(after['spec']) !== JSON.stringify(before['spec'])) {
      after.metadata.generation = (before.metadata.generation ?? 0) + 1;
    }
    return this.#put(key, after, isStatus ? '' : manager);
  }

  delete(key: string, manager: string, uid?: string): void {
    this.#mustBeUp();
    const object = this.objects.get(key);
    if (object === undefined) throw new Refused('NOT_FOUND', `${key} not found`);
    if (uid !== undefined && uid !== object.metadata.uid) throw new Refused('PRECONDITION', `${key} has another uid`);
    this.objects.delete(key);
    this.#version += 1;
    for (const listener of this.#listeners) listener(key, undefined, manager);
    this.#collect(object);
  }

  #put(key: string, object: KubeObject, manager: string): KubeObject {
    object.metadata.resourceVersion = String(++this.#version);
    if (manager !== '') object.metadata['manager'] = manager;
    this.objects.set(key, object);
    for (const listener of this.#listeners) listener(key, object, manager);
    return object;
  }

  /** What the object owned alone goes with it, in the background. */
  #collect({ metadata: { uid } }: KubeObject): void {
    for (const [key, object] of this.objects) {
      const owners = object.metadata.ownerReferences ?? [];
      if (owners.length === 0 || !owners.every((owner) => owner.uid === uid)) continue;
      this.clock.after(this.clock.between(5, 50), () => this.#collectOne(key, object.metadata.uid));
    }
  }

  #collectOne(key: string, uid: string | undefined): void {
    const object = this.objects.get(key);
    if (object === undefined || object.metadata.uid !== uid) return;
    this.objects.delete(key);
    this.#version += 1;
    for (const listener of this.#listeners) listener(key, undefined, 'garbage-collector');
    this.#collect(object);
  }

  #mustBeUp(): void {
    if (this.isDown) throw new Refused('UNAVAILABLE', 'the API server does not answer');
  }
}

/** An object with the part that a controller reads; the schema of its kind guarantees it. */
export type Body<T> = KubeObject & T;

export function matches(
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}
