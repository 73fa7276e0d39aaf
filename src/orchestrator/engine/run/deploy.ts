/** A deployment: its targets in the order of their dependencies, each a child workflow of its own. */

import type { ResolvedFile, ResolvedTarget } from '../../file/resolved.ts';
import { inWaves } from '../../plan/waves.ts';
import type { Outcome } from './roll-target.ts';

export interface DeploymentInput {
  id: string;
  file: ResolvedFile;
  /** Milliseconds since the epoch. */
  startedMs: number;
}

export type DeploymentEnd = 'succeeded' | 'failed' | 'rolledBack' | 'aborted';

/** What a deployment's workflow needs beside its targets. */
export interface DeployPorts {
  /** The deployment's own events and state. Safe to repeat. */
  say(seq: number, kind: string, message: string, state?: DeploymentEnd | 'running', reason?: string): Promise<void>;
  /** A target that is not begun, since one it depends on did not succeed. */
  skip(target: ResolvedTarget, reason: string): Promise<void>;
  /** Starts a target's workflow and returns its outcome; called for all targets of a wave in the same order by each replay. */
  roll(target: ResolvedTarget): Promise<Outcome>;
}

export async function deploy(ports: DeployPorts, { file }: DeploymentInput): Promise<DeploymentEnd> {
  const outcomes = new Map<string, Outcome>();
  await ports.say(
    1,
    'deployment.started',
    `${file.application}: ${file.targets.map(({ name }) => name).join(', ')}`,
    'running',
  );
  for (const wave of inWaves(file.targets)) {
    const ready: ResolvedTarget[] = [];
    for (const target of wave) {
      const missing = target.dependsOn.find((name) => outcomes.get(name)?.state !== 'succeeded');
      if (missing === undefined) ready.push(target);
      else await ports.skip(target, `${missing} did not succeed`);
    }
    const ends = await Promise.all(ready.map((target) => ports.roll(target)));
    for (const [index, end] of ends.entries()) outcomes.set(ready[index]?.name ?? '', end);
  }
  const end = endOf([...outcomes.values()]);
  await ports.say(2, 'deployment.ended', `${file.application}: ${end.sentence}`, end.state, end.reason);
  return end.state;
}

/** The worst of its targets; one that was skipped has a cause among the others. */
function endOf(outcomes: Outcome[]): { state: DeploymentEnd; sentence: string; reason: string } {
  for (const state of ['aborted', 'rolledBack', 'failed'] as const) {
    const worst = outcomes.find((outcome) => outcome.state === state);
    if (worst === undefined) continue;
    const words = { aborted: '', rolledBack: 'rolled back: ', failed: 'failed: ' }[state];
    return { state, sentence: `${words}${worst.reason}`, reason: worst.reason };
  }
  return { state: 'succeeded', sentence: 'succeeded', reason: '' };
}
