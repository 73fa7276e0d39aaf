/** From what was counted and seen during a run to its row of the report, and what is wrong with it. Pure. */

import {
  answersBetween,
  failedBetween,
  isUnmeshed,
  serverErrorsBetween,
  versionsBetween,
  type LoadSecond,
  type LoadSnapshot,
} from './load-counts.ts';

/** A weight as the cluster stored it, with the load's counts at that moment and half a second later. */
export interface WeightSeen {
  /** Percent to the canary. */
  weight: number;
  counts: LoadSnapshot;
  settled: LoadSnapshot;
}

/** Everything observed about one run. */
export interface Observation {
  stable: string;
  canary: string;
  /** The deployment's state in the end. */
  outcome: string;
  before: LoadSnapshot;
  ended: LoadSnapshot;
  /** Some seconds after the end. */
  after: LoadSnapshot;
  weights: WeightSeen[];
  /** By client, from before the run to after it. */
  series: Record<string, LoadSecond[]>;
  podsRestarted: number;
  leftBehind: string[];
}

export interface RunReport {
  requests: number;
  byVersion: Record<string, number>;
  failed: number;
  misrouted: number;
  weights: number[];
  podsRestarted: number;
  leftBehind: number;
}

export interface Expected {
  outcome: 'succeeded' | 'rolledBack';
  weights: number[];
  /** A version that answers 5xx on purpose: those are not lost requests. */
  faulty?: string;
}

export function reportOf(seen: Observation, { faulty }: Pick<Expected, 'faulty'>): RunReport {
  const byVersion = versionsBetween(seen.before, seen.after);
  const lost = failedBetween(seen.before, seen.after);
  const errors = Object.keys(byVersion)
    .filter((version) => version !== faulty)
    .reduce((sum, version) => sum + serverErrorsBetween(seen.before, seen.after, version), 0);
  return {
    requests: Object.values(byVersion).reduce((sum, count) => sum + count, lost),
    byVersion,
    failed: lost + errors,
    misrouted: tooEarly(seen) + unasked(seen) + tooLate(seen),
    weights: seen.weights.map(({ weight }) => weight),
    podsRestarted: seen.podsRestarted,
    leftBehind: seen.leftBehind.length,
  };
}

/** Clients outside the mesh that saw the canary before all traffic was to go there. */
function tooEarly({ before, after, canary, weights }: Observation): number {
  const promotion = weights.find(({ weight }) => weight === 100);
  return answersBetween(before, promotion?.counts ?? after, canary, isUnmeshed);
}

/** Answers of the canary before its first weight, to anyone. Whole seconds; the one in which the weight moved belongs to neither. */
function unasked({ canary, weights, series }: Observation): number {
  const first = weights.find(({ weight }) => weight > 0);
  const limit = first === undefined ? Infinity : Math.floor(Date.parse(first.counts.at) / 1000) - 1;
  return Object.values(series)
    .flat()
    .filter(({ second }) => second < limit)
    .reduce((sum, { byVersion }) => sum + (byVersion[canary] ?? 0), 0);
}

/** Answers of the version that is to be gone, after the run has ended. */
function tooLate({ outcome, stable, canary, ended, after }: Observation): number {
  return answersBetween(ended, after, outcome === 'succeeded' ? stable : canary);
}

export interface Share {
  client: string;
  weight: number;
  /** Answers in the time of this weight, and those of the canary. */
  answers: number;
  canary: number;
}

/** What each meshed client got at each weight between 0 and 100, from half a second after it was stored until the next. */
export function sharesOf({ canary, stable, weights }: Observation): Share[] {
  return weights.flatMap(({ weight, settled }, index) => {
    const end = weights[index + 1]?.counts;
    if (weight <= 0 || weight >= 100 || end === undefined) return [];
    const meshed = Object.keys(end.clients).filter((name) => end.clients[name]?.mode === 'meshed');
    return meshed.map((client) => {
      const isIt = (name: string): boolean => name === client;
      const toCanary = answersBetween(settled, end, canary, isIt);
      return { client, weight, canary: toCanary, answers: toCanary + answersBetween(settled, end, stable, isIt) };
    });
  });
}

/** Four standard deviations: chance alone leaves it once in 16,000 times. */
const DEVIATIONS = 4;

export function isAsAsked({ weight, answers, canary }: Share): boolean {
  const share = weight / 100;
  return Math.abs(canary - answers * share) <= DEVIATIONS * Math.sqrt(answers * share * (1 - share)) + 1;
}

/** What is not as it must be, in sentences. Empty: all is well. */
export function faultsOf(seen: Observation, report: RunReport, expected: Expected): string[] {
  const faults: string[] = [];
  const must = (holds: boolean, sentence: string): void => void (holds || faults.push(`${seen.canary}: ${sentence}`));
  must(seen.outcome === expected.outcome, `ended as ${seen.outcome}, not ${expected.outcome}`);
  must(report.failed === 0, `${report.failed} requests failed${samples(seen)}`);
  must(tooEarly(seen) === 0, `${tooEarly(seen)} answers of the canary to clients outside the mesh`);
  must(unasked(seen) === 0, `${unasked(seen)} answers of the canary before its first weight`);
  must(tooLate(seen) === 0, `${tooLate(seen)} answers of the version that is to be gone, after the end`);
  must(
    report.weights.join() === expected.weights.join(),
    `weights ${report.weights.join(', ')}, not ${expected.weights.join(', ')}`,
  );
  must(report.podsRestarted === 0, `${report.podsRestarted} pods restarted`);
  must(report.leftBehind === 0, `left behind: ${seen.leftBehind.join(', ')}`);
  must(report.requests > 1000, `only ${report.requests} requests: the load did not run`);
  for (const share of sharesOf(seen)) {
    const { client, weight, answers, canary } = share;
    must(isAsAsked(share), `client ${client} got ${canary} of ${answers} answers from the canary at ${weight} %`);
  }
  return faults;
}

function samples({ after }: Observation): string {
  const kinds = Object.values(after.clients).flatMap(({ failures }) => Object.entries(failures));
  const [first] = kinds;
  return first === undefined ? '' : ` (${first[0]}: ${first[1].sample})`;
}
