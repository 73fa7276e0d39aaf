/** A rollout under way, as a reducer: an event and what is seen give effects. The shell around it sends, stores, asks and tells. */

import type { Fields, ObjectRecord } from '../../protocol/records.ts';
import type { Answer } from '../gates/judge.ts';
import { cursorOf, directionOf, learnedOf, type Checkpoints, type Cursor } from './checkpoints.ts';
import { decide } from './decide.ts';
import {
  keyOf,
  type Ask,
  type Decision,
  type Drift,
  type Fault,
  type Learned,
  type Plan,
  type World,
  type Write,
} from './model.ts';
import { changedBy } from './answer.ts';
import { putBackDelay, reactionTo, type Failure, type Failures } from './retry.ts';
import { committed } from './committed.ts';

/** Between put-backs, and between tries of what cannot succeed, on a way that cannot be left. */
const INSISTS_MS = 10_000;

/** What is lost in a crash: a run that is taken up goes on from what it sees. */
export interface Reach {
  readonly plan: Plan;
  readonly drainMs: number;
  /** As stored. */
  readonly checkpoints: Checkpoints;
  /** A checkpoint is being stored: until it is, nothing new is begun. */
  readonly isStoring: boolean;
  /** Where `held`, `passed` and `learned` belong to. */
  readonly stage: string;
  readonly held: ReadonlyMap<string, Fields>;
  readonly passed: ReadonlySet<string>;
  readonly learned: Learned | undefined;
  /** By the key of its object, a write that was not answered. */
  readonly inFlight: ReadonlyMap<string, { number: number; write: Write; fields: Fields }>;
  readonly sent: number;
  readonly failures: ReadonlyMap<string, Failures & { untilMs: number }>;
  /** When somebody else's change of an object was put back, by object and manager. */
  readonly putBacks: ReadonlyMap<string, readonly number[]>;
  readonly answers: Readonly<Record<string, Answer>>;
  readonly asked: ReadonlySet<string>;
  /** Whose time is running, and since when. */
  readonly timing: { paths: readonly string[]; sinceMs: number };
  readonly watchedMs: Readonly<Record<string, number>>;
  readonly abort?: string;
  /** A write that can never succeed; past the commit and on the way back it is told, and tried again each minute. */
  readonly hopeless?: Fault;
  /** What was told of it. */
  readonly stalled?: string;
  readonly hasEnded: boolean;
}

export type Event =
  | { event: 'look' }
  /** `record`: the object as the write left it. */
  | { event: 'answered'; key: string; number: number; failure?: Failure; record?: ObjectRecord }
  | { event: 'stored'; checkpoints: Checkpoints }
  | { event: 'told'; path: string; answer: Answer }
  | { event: 'abort'; reason: string };

export type Effect =
  | { effect: 'send'; number: number; write: Write }
  | { effect: 'ask'; ask: Ask }
  | { effect: 'store'; checkpoints: Checkpoints }
  | { effect: 'say'; kind: 'drift' | 'undo' | 'settle' | 'stalled'; message: string }
  | { effect: 'wake'; afterMs: number }
  | { effect: 'end'; outcome: Outcome };

export interface Outcome {
  state: 'succeeded' | 'rolledBack' | 'failed';
  reason: string;
  unrestored: string[];
}

export function takeUp(plan: Plan, checkpoints: Checkpoints, drainMs: number): Reach {
  return {
    plan,
    drainMs,
    checkpoints,
    isStoring: false,
    stage: '',
    held: new Map(),
    passed: new Set(),
    learned: undefined,
    inFlight: new Map(),
    sent: 0,
    failures: new Map(),
    putBacks: new Map(),
    answers: {},
    asked: new Set(),
    timing: { paths: [], sinceMs: 0 },
    watchedMs: checkpoints.watchedMs,
    hasEnded: false,
  };
}

/** @param now milliseconds of the run's own clock. */
export function reach(state: Reach, event: Event, world: World, now: number): [Reach, Effect[]] {
  const heard = hear(state, event, now);
  if (heard.isStoring || heard.hasEnded) return [heard, []];
  const timed = countTime(heard, world, now);
  const cursor = cursorOf(timed.plan, timed.checkpoints);
  if (cursor === undefined) return end(timed);
  return act(enter(timed, cursor), cursor, world, now);
}

function hear(state: Reach, event: Event, now: number): Reach {
  switch (event.event) {
    case 'look':
      return state;
    case 'stored':
      return { ...state, checkpoints: event.checkpoints, isStoring: false };
    case 'told':
      return { ...state, answers: { ...state.answers, [event.path]: event.answer }, asked: new Set() };
    case 'abort':
      return { ...state, abort: event.reason };
    case 'answered':
      return state.inFlight.get(event.key)?.number === event.number ? answered(state, event, now) : state;
  }
}

type Answered = Extract<Event, { event: 'answered' }>;

function answered(state: Reach, { key, failure, record }: Answered, now: number): Reach {
  const inFlight = new Map(state.inFlight);
  const { write, fields } = inFlight.get(key) ?? {};
  inFlight.delete(key);
  const failures = new Map(state.failures);
  const before = failures.get(key);
  failures.delete(key);
  const { hopeless, ...rest } = { ...state, inFlight, failures };
  const kept = hopeless?.object !== undefined && keyOf(hopeless.object) !== key ? { hopeless } : {};
  if (failure === undefined) {
    const changed = write === undefined || record === undefined ? undefined : changedBy(write, record);
    if (changed !== undefined) return { ...rest, hopeless: changed };
    // As it was meant: whatever is another way from now on was changed by somebody else, even before we saw it so.
    const held = fields === undefined ? state.held : new Map([...state.held, [key, fields]]);
    return { ...rest, ...kept, held };
  }
  const counted = { count: (before?.count ?? 0) + 1, firstMs: before?.firstMs ?? now };
  const reaction = reactionTo(failure, counted, now);
  const untilMs = reaction.kind === 'again' ? now + reaction.afterMs : now + 60_000;
  failures.set(key, { ...counted, untilMs });
  if (reaction.kind === 'again' || write === undefined) return { ...rest, ...kept };
  const { kind, name } = write;
  return { ...rest, hopeless: { reason: `${kind} ${name}: ${reaction.reason}`, object: { kind, name } } };
}

/** The clocks of what is waited for run only while the cluster is seen. */
function countTime(state: Reach, world: World, now: number): Reach {
  const { timing, watchedMs } = state;
  const isWatching = state.plan.inventory.every(({ kind }) => world.isLive(kind));
  const passedMs = isWatching ? Math.max(0, now - timing.sinceMs) : 0;
  const more = timing.paths.map((path) => [path, (watchedMs[path] ?? 0) + passedMs] as const);
  return { ...state, watchedMs: { ...watchedMs, ...Object.fromEntries(more) }, timing: { ...timing, sinceMs: now } };
}

/** What belongs to a stage ends with it. */
function enter(state: Reach, { direction, stage }: Cursor): Reach {
  const name = `${direction}/${stage.name}`;
  if (state.stage === name) return state;
  const fresh = {
    held: new Map<string, Fields>(),
    passed: new Set<string>(),
    learned: undefined,
    failures: new Map(),
    putBacks: new Map(),
  };
  const { hopeless: _gone, stalled: _told, ...rest } = state;
  return { ...rest, ...fresh, stage: name, timing: { ...state.timing, paths: [] } };
}

function act(state: Reach, cursor: Cursor, world: World, now: number): [Reach, Effect[]] {
  const { plan, drainMs, watchedMs, answers } = state;
  const { stage, previous, direction } = cursor;
  const learned = state.learned ?? learnedOf(state.checkpoints, plan);
  const isWayBack = direction !== 'forward';
  const { held, passed } = state;
  const decision = decide({
    plan,
    stage,
    previous,
    world,
    learned,
    held,
    passed,
    watchedMs,
    answers,
    drainMs,
    isWayBack,
  });
  const seen: Reach = {
    ...state,
    learned: decision.learned,
    // What is under way, of a stage before, may still change it.
    held: new Map([...held, ...[...decision.held].filter(([key]) => !state.inFlight.has(key))]),
    passed: new Set([...passed, ...decision.passed]),
    timing: { paths: decision.waiting.flatMap(({ path }) => path ?? []), sinceMs: now },
  };
  const isLeavable = direction === 'forward' && state.checkpoints.commit === undefined;
  const fault =
    decision.fault ?? seen.hopeless ?? (isLeavable ? (fought(seen, decision, now) ?? abortOf(seen)) : undefined);
  if (fault !== undefined && direction !== 'settle') {
    const turned = turn(seen, fault, world);
    if (turned !== undefined) return turned;
  }
  const [stalled, said] = tellStalled(seen);
  const [next, effects] = goOn(stalled, cursor, decision, now);
  return [next, [...said, ...effects]];
}

/** Nobody else can go on from here: somebody must hear of it, once. */
function tellStalled(state: Reach): [Reach, Effect[]] {
  const { hopeless, stalled } = state;
  if (hopeless === undefined || hopeless.reason === stalled) return [state, []];
  return [{ ...state, stalled: hopeless.reason }, [{ effect: 'say', kind: 'stalled', message: hopeless.reason }]];
}

function abortOf({ abort }: Reach): Fault | undefined {
  return abort === undefined ? undefined : { reason: abort };
}

/** Back, or after the commit to a settled end. @returns undefined: the rollout stays where it is. */
function turn(state: Reach, { reason }: Fault, world: World): [Reach, Effect[]] | undefined {
  const { checkpoints, plan } = state;
  if (directionOf(checkpoints) === 'undo') return undefined;
  const isCommitted = committed(plan, checkpoints, world);
  if (isCommitted === undefined) return [state, []];
  const kind = isCommitted ? 'settle' : 'undo';
  return store(state, { ...checkpoints, [kind]: { reason } }, [{ effect: 'say', kind, message: reason }]);
}

function goOn(state: Reach, cursor: Cursor, decision: Decision, now: number): [Reach, Effect[]] {
  const { stage, direction } = cursor;
  const { checkpoints } = state;
  if (decision.satisfied && state.inFlight.size === 0) {
    const name = `${direction}/${stage.name}`;
    return store(
      state,
      { ...checkpoints, ...begun(stage.isCommit), stages: { ...checkpoints.stages, [name]: decision.learned } },
      [],
    );
  }
  if (decision.writes.length > 0 && stage.isCommit === true && checkpoints.commit === undefined) {
    return store(state, { ...checkpoints, commit: true }, []);
  }
  const [after, sends] = send(state, decision, now);
  const asks = decision.asks.filter((ask) => !after.asked.has(JSON.stringify(ask)));
  const asked = new Set([...after.asked, ...asks.map((ask) => JSON.stringify(ask))]);
  const wake = wakeAfter(after, decision, now);
  return [
    { ...after, asked },
    [
      ...sends,
      ...asks.map((ask): Effect => ({ effect: 'ask', ask })),
      ...(wake === undefined ? [] : [{ effect: 'wake', afterMs: wake } satisfies Effect]),
    ],
  ];
}

function begun(isCommit: true | undefined): { commit?: true } {
  return isCommit === true ? { commit: true } : {};
}

/** The writes of a stage go out together, one for each object at a time. */
function send(state: Reach, decision: Decision, now: number): [Reach, Effect[]] {
  const effects: Effect[] = [];
  const inFlight = new Map(state.inFlight);
  const putBacks = new Map(state.putBacks);
  let { sent } = state;
  for (const write of decision.writes) {
    const key = keyOf(write);
    if (inFlight.has(key) || (state.failures.get(key)?.untilMs ?? 0) > now) continue;
    const drift = decision.drift.find((each) => keyOf(each) === key);
    if (drift !== undefined) {
      const whose = rivalOf(drift);
      const earlier = putBacks.get(whose) ?? [];
      if (dueAt(earlier, now) > now) continue;
      putBacks.set(whose, [...earlier, now]);
      effects.push({ effect: 'say', kind: 'drift', message: `${drift.kind} ${drift.name}: ${drift.what}; put back` });
    }
    sent += 1;
    inFlight.set(key, { number: sent, write, fields: decision.wanted.get(key) ?? {} });
    effects.push({ effect: 'send', number: sent, write });
  }
  return [{ ...state, inFlight, putBacks, sent }, effects];
}

/** On a way that cannot be left one more is tried every ten seconds; before the commit too many are a fault. */
function dueAt(earlier: readonly number[], now: number): number {
  const delay = putBackDelay(earlier, now);
  return (earlier.at(-1) ?? now - INSISTS_MS) + (delay === 'tooMany' ? INSISTS_MS : delay);
}

/** Somebody wants something else, and does not let go. */
function fought({ putBacks }: Reach, { drift }: Decision, now: number): Fault | undefined {
  const rival = drift.find((each) => putBackDelay(putBacks.get(rivalOf(each)) ?? [], now) === 'tooMany');
  if (rival === undefined) return undefined;
  const { kind, name, what, by } = rival;
  const who = by === '' ? 'somebody' : by;
  return { reason: `${kind} ${name} is changed again and again by ${who}: ${what}`, object: { kind, name } };
}

function rivalOf(drift: Drift): string {
  return `${keyOf(drift)} ${drift.by}`;
}

/** When the clock alone may change something. */
function wakeAfter(state: Reach, decision: Decision, now: number): number | undefined {
  const times = [
    ...decision.waiting.flatMap(({ leftMs }) => leftMs ?? []),
    ...[...state.failures.values()].map(({ untilMs }) => untilMs - now).filter((ms) => ms > 0),
    ...[...state.putBacks.values()].map((earlier) => dueAt(earlier, now) - now).filter((ms) => ms > 0),
  ];
  return times.length === 0 ? undefined : Math.max(1, Math.min(...times));
}

function store(state: Reach, checkpoints: Checkpoints, effects: Effect[]): [Reach, Effect[]] {
  return [{ ...state, isStoring: true }, [...effects, { effect: 'store', checkpoints }]];
}

function end(state: Reach): [Reach, Effect[]] {
  const { checkpoints } = state;
  const { undo, settle } = checkpoints;
  const unrestored = Object.values(checkpoints.stages).flatMap((learned) => learned.unrestored);
  const reason = (settle ?? undo)?.reason ?? '';
  const outcome: Outcome = {
    state: settle !== undefined ? 'failed' : undo !== undefined ? 'rolledBack' : 'succeeded',
    reason,
    unrestored: [...new Set(unrestored)],
  };
  return [{ ...state, hasEnded: true }, [{ effect: 'end', outcome }]];
}
