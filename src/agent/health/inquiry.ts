/**
 * Asks what the pods of one namespace leave open: once for each crash, start or probe, one at a time, few a minute.
 * Nothing waits for it: a pod's trouble has long been told when its last lines are read.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { draw } from '../../shared/token-bucket.ts';
import type { Bucket, BucketRule } from '../../shared/token-bucket.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { KubeError } from '../kubernetes/kube-error.ts';
import { explainEvents } from './explain-events.ts';
import type { KubeEvent } from './explain-events.ts';
import { TAIL_QUERY, logTail } from './log-tail.ts';
import type { Answer, Question } from './question.ts';
import type { PodEntry } from './reduce-pod.ts';

export interface InquiryOptions {
  namespace: string;
  api: KubeApi;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** As it is now. */
  entryOf: (pod: string) => PodEntry | undefined;
  onAnswer: (pod: string, uid: string, answer: Answer) => void;
}

interface Asked {
  uid: string;
  key: string;
  ownerUid: string;
  kind: Question['kind'];
  cancel: () => void;
}

/** Pods of one ReplicaSet mostly break in one way: those of five say it, and a snapshot stays small. */
const PER_OWNER = 5;
/** Pods at once, then one a second: a whole namespace that crashes is not to cost the API server more. */
const PODS: BucketRule = { burst: 10, perSecond: 1 };
/** How long a right that was missing is not asked for again. */
const FORBIDDEN_MS = 600_000;

export class Inquiry {
  #options: InquiryOptions;
  #asked = new Map<string, Asked>();
  #queue: string[] = [];
  #bucket: Bucket | undefined;
  #isReading = false;
  #cancelRefill: (() => void) | undefined;
  #forbiddenUntilMs = { log: 0, events: 0 };

  constructor(options: InquiryOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** A pod as it is now; undefined: it is gone, or nobody wants to know. */
  follow(pod: string, entry: PodEntry | undefined): void {
    const question = entry?.question;
    const asked = this.#asked.get(pod);
    if (asked && asked.uid === entry?.record.uid && asked.key === question?.key) return;
    this.#forget(pod);
    if (!entry || !question || this.#options.signal.aborted) return;
    const { ownerUid, record } = entry;
    const { key, kind, afterMs } = question;
    if (kind !== 'end' && this.#countOf(ownerUid, kind) >= PER_OWNER) return;
    const ask = (): void => (kind === 'end' ? this.#answerEnd(pod) : this.#enqueue(pod));
    const cancel = afterMs === 0 ? () => undefined : this.#options.clock.after(afterMs, ask);
    this.#asked.set(pod, { uid: record.uid, key, ownerUid, kind, cancel });
    if (afterMs === 0) ask();
  }

  /** Pods that start must not take the places of those that crash. */
  #countOf(ownerUid: string, kind: Question['kind']): number {
    let count = 0;
    for (const each of this.#asked.values()) if (each.kind === kind && each.ownerUid === ownerUid) count += 1;
    return count;
  }

  #forget(pod: string): void {
    this.#asked.get(pod)?.cancel();
    this.#asked.delete(pod);
  }

  #stop(): void {
    for (const pod of this.#asked.keys()) this.#forget(pod);
    this.#queue = [];
    this.#cancelRefill?.();
  }

  #enqueue(pod: string): void {
    if (!this.#queue.includes(pod)) this.#queue.push(pod);
    this.#pump();
  }

  #pump(): void {
    // What no longer stands costs nothing.
    while (this.#queue[0] !== undefined && !this.#standing(this.#queue[0])?.question) this.#queue.shift();
    const [pod] = this.#queue;
    const question = pod === undefined ? undefined : this.#standing(pod)?.question;
    if (this.#isReading || pod === undefined || !question || !this.#takeToken()) return;
    this.#queue.shift();
    this.#isReading = true;
    // #read never rejects.
    void this.#read(pod, question).finally(() => {
      this.#isReading = false;
      this.#pump();
    });
  }

  #takeToken(): boolean {
    const { clock } = this.#options;
    const { bucket, waitMs } = draw(this.#bucket, PODS, clock.now());
    this.#bucket = bucket;
    if (waitMs === 0) return true;
    this.#cancelRefill ??= clock.after(waitMs, () => {
      this.#cancelRefill = undefined;
      this.#pump();
    });
    return false;
  }

  /** The pod, if the question that it was asked still stands. */
  #standing(pod: string): PodEntry | undefined {
    const asked = this.#asked.get(pod);
    const entry = this.#options.entryOf(pod);
    return entry && asked?.uid === entry.record.uid && asked.key === entry.question?.key ? entry : undefined;
  }

  async #read(pod: string, question: Question): Promise<void> {
    const tail = question.kind === 'crash' ? await this.#tail(pod, question) : undefined;
    const entry = this.#standing(pod);
    if (!entry) return;
    const words = question.events ? await this.#explain(pod, entry.record.uid, question) : {};
    if (!tail && !words.reason) return;
    this.#options.onAnswer(pod, entry.record.uid, { key: question.key, ...(tail && { logTail: tail }), ...words });
  }

  async #tail(pod: string, question: Question): Promise<string | undefined> {
    const text = await this.#log(pod, question);
    const now = this.#standing(pod)?.question;
    // It was started again while we asked: what we got may be the lines of its new life.
    return now && now.previous !== question.previous ? this.#log(pod, now) : text;
  }

  async #log(pod: string, { container, previous }: Question): Promise<string | undefined> {
    const { namespace } = this.#options;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
    const query = { container, previous, ...TAIL_QUERY };
    const text = await this.#get('log', path, query, `read the log of ${container} in pod ${namespace}/${pod}`);
    return text === undefined ? undefined : logTail(text);
  }

  async #explain(pod: string, uid: string, { kind }: Question): Promise<Pick<Answer, 'reason' | 'message'>> {
    const { namespace } = this.#options;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const query = { fieldSelector: `involvedObject.uid=${uid},type=Warning`, limit: 50 };
    const text = await this.#get('events', path, query, `list the events of pod ${namespace}/${pod}`);
    if (text === undefined) return {};
    return explainEvents((JSON.parse(text) as { items?: KubeEvent[] }).items ?? [], kind);
  }

  /** Undefined where it could not be had: what it would have told is a help, no more. */
  async #get(
    right: 'log' | 'events',
    path: string,
    query: Record<string, string | number | boolean | undefined>,
    what: string,
  ): Promise<string | undefined> {
    const { api, clock, log, namespace, signal } = this.#options;
    if (clock.now() < this.#forbiddenUntilMs[right]) return undefined;
    try {
      return await api.text({ method: 'GET', path, query, what, signal, repeatable: false });
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) {
        this.#forbiddenUntilMs[right] = clock.now() + FORBIDDEN_MS;
        log.warn({ namespace, err: error }, 'failed pods are told without their last lines or events');
      } else log.debug({ namespace, err: error }, 'could not ask about a pod');
      return undefined;
    }
  }

  #answerEnd(pod: string): void {
    const entry = this.#standing(pod);
    const message = entry?.question?.hint;
    if (!entry || message === undefined) return;
    const reason = entry.record.reason || 'Terminating';
    this.#options.onAnswer(pod, entry.record.uid, { key: entry.question!.key, reason, message });
  }
}
