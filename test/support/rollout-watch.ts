/** A deployment as a test follows it: through the API that everybody uses. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Orchestrator } from './harness.ts';

export interface SeenEvent {
  id: number;
  kind: string;
  message: string;
  detail: unknown;
}

export interface SeenDeployment {
  id: string;
  state: string;
  reason: string | null;
  rollouts: { target: string; state: string; phase: string; reason: string | null; weight: number }[];
}

const OVER = new Set(['succeeded', 'rolledBack', 'aborted', 'failed']);

/** `sluice deploy -f`, and the id it prints. @throws with what the CLI said. */
export async function deploy(orchestrator: Orchestrator, file: string): Promise<string> {
  const { code, stdout, stderr } = await orchestrator.sluice(['deploy', '-f', file, '--output', 'json']);
  if (code !== 0) throw new Error(`sluice deploy -f ${file} ended with ${code}: ${stdout}${stderr}`);
  return (JSON.parse(stdout.split('\n')[0] ?? '') as { id: string }).id;
}

export async function eventsOf(orchestrator: Orchestrator, id: string): Promise<SeenEvent[]> {
  const answer = await fetch(`${orchestrator.url}/v1/deployments/${id}/events`);
  return ((await answer.json()) as { events: SeenEvent[] }).events;
}

export async function deploymentOf(orchestrator: Orchestrator, id: string): Promise<SeenDeployment> {
  const answer = await fetch(`${orchestrator.url}/v1/deployments/${id}`);
  return (await answer.json()) as SeenDeployment;
}

/** Resolves with the first event that fits; an API that is away meanwhile is asked again. @throws after `timeoutMs`. */
export async function eventThat(
  orchestrator: Orchestrator,
  id: string,
  fits: (event: SeenEvent) => boolean,
  timeoutMs = 90_000,
): Promise<SeenEvent> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const events = await eventsOf(orchestrator, id).catch(() => []);
    const event = events.find(fits);
    if (event !== undefined) return event;
    if (performance.now() > deadline) throw new Error(`no such event in ${timeoutMs / 1000} s:\n${told(events)}`);
    await delay(20);
  }
}

/** Resolves once the deployment is over. */
export async function endOf(orchestrator: Orchestrator, id: string, timeoutMs = 120_000): Promise<SeenDeployment> {
  await eventThat(orchestrator, id, ({ kind }) => kind === 'deployment.ended', timeoutMs);
  const deadline = performance.now() + 5_000;
  for (;;) {
    const deployment = await deploymentOf(orchestrator, id);
    if (OVER.has(deployment.state)) return deployment;
    if (performance.now() > deadline) throw new Error(`${id} is told to have ended and is ${deployment.state}`);
    await delay(20);
  }
}

/** Waits for the n-th question for approval. @throws when the deployment ends before. */
export async function approvalWanted(orchestrator: Orchestrator, id: string, nth: number): Promise<void> {
  for (;;) {
    const events = await eventsOf(orchestrator, id);
    if (events.filter(({ kind }) => kind === 'approval.wanted').length >= nth) return;
    if (events.some(({ kind }) => kind === 'deployment.ended')) throw new Error(told(events));
    await delay(50);
  }
}

export async function approve(orchestrator: Orchestrator, id: string): Promise<void> {
  const { code, stdout, stderr } = await orchestrator.sluice(['approve', id]);
  if (code !== 0) throw new Error(`sluice approve ${id} ended with ${code}: ${stdout}${stderr}`);
}

/** One line per event: what a failed test shows. */
export function told(events: SeenEvent[]): string {
  return events.map(({ kind, message }) => `${kind}: ${message}`).join('\n');
}
