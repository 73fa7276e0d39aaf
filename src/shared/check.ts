/** What a doctor found: one line for each thing it looked at, with what to do where it is not well. Pure. */

import { messageOf } from './errors.ts';

/** `warn`: it works, but not all of it or not for long. `fail`: it does not work. */
type CheckState = 'ok' | 'warn' | 'fail';

export interface Check {
  /** Stable, for programs: `rights/shop/deployments.apps`. */
  readonly id: string;
  /** What was looked at, in a word or two. */
  readonly title: string;
  readonly state: CheckState;
  /** What was found. */
  readonly detail: string;
  /** What a person should do; empty where all is well. */
  readonly hint: string;
}

export function ok(id: string, title: string, detail: string): Check {
  return { id, title, state: 'ok', detail, hint: '' };
}

export function warn(id: string, title: string, detail: string, hint: string): Check {
  return { id, title, state: 'warn', detail, hint };
}

export function fail(id: string, title: string, detail: string, hint: string): Check {
  return { id, title, state: 'fail', detail, hint };
}

/** Warnings fail nothing: what they tell of works. */
export function isWell(checks: readonly Check[]): boolean {
  return checks.every(({ state }) => state !== 'fail');
}

/** For people: a line for each check, a second one that says what to do, and the sum. */
export function showChecks(checks: readonly Check[]): string {
  const width = Math.max(0, ...checks.map(({ title }) => title.length));
  const indent = ' '.repeat('fail  '.length + width + 2);
  const lines = checks.flatMap(({ state, title, detail, hint }) => [
    `${state.padEnd('fail'.length)}  ${title.padEnd(width)}  ${detail}`,
    ...(hint === '' ? [] : [`${indent}-> ${hint}`]),
  ]);
  return [...lines, sum(checks)].join('\n');
}

/** For programs. */
export function checksAsJson(checks: readonly Check[]): string {
  return JSON.stringify({ ok: isWell(checks), checks });
}

function sum(checks: readonly Check[]): string {
  const count = (wanted: CheckState): number => checks.filter(({ state }) => state === wanted).length;
  const parts = [`${count('ok')} ok`];
  if (count('warn') > 0) parts.push(`${count('warn')} to look at`);
  if (count('fail') > 0) parts.push(`${count('fail')} failed`);
  return parts.join(', ');
}

/** `2026-11-24` */
export function showDate(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** A length of time as people say it: `12 s`, `3 min`, `5 h`, `40 days`. */
export function showSpan(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** One for each problem of a configuration that cannot be used. @param error what reading it threw: a heading, and a line for each. */
export function configurationFaults(error: unknown): Check[] {
  const hint = "Correct it in the chart's values, or in the environment.";
  const lines = messageOf(error).split('\n');
  const problems = lines.length > 1 ? lines.slice(1).map((line) => line.replace(/^\s*- /, '')) : lines;
  return problems.map((problem) => fail('configuration', 'configuration', problem, hint));
}
