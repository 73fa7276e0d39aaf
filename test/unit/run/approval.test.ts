/** Approvals: each is of the step it was said of, and a step is told as the API counts it. */

import { expect, it } from 'vitest';
import { newCanaryState } from '../../../src/orchestrator/engine/run/canary-state.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import { runSteps } from '../../../src/orchestrator/engine/run/steps.ts';
import type { ResolvedFile } from '../../../src/orchestrator/file/resolved.ts';
import { requiredRoles } from '../../../src/orchestrator/http/required-roles.ts';
import type { CanaryPlan } from '../../../src/orchestrator/plan/rollout-plan.ts';
import { identity, runWorld } from '../../support/run-world.ts';

const steps = [
  { kind: 'approval', requiresRoles: [] },
  { kind: 'approval', requiresRoles: ['qa'] },
];

it('an approval counts for the step it was said of alone, and the API asks for the roles of the step that is told', async () => {
  const world = runWorld();
  const state = newCanaryState(new Run(world.ports, identity), { steps } as unknown as CanaryPlan);
  const file = { targets: [{ name: 'staging', strategy: { name: 's', steps } }] } as unknown as ResolvedFile;
  const waits = (): { step: number; required: string[] } => {
    const step = world.said.findLast(({ rollout }) => rollout?.step !== undefined)?.rollout?.step ?? 0;
    return { step, required: requiredRoles(file, { target: 'staging', step }) };
  };
  const run = runSteps(state);
  const approve = async (id: number, by: string, step?: number): Promise<void> => {
    world.ask({ id, kind: 'approve', by, reason: '', ...(step !== undefined && { step }) });
    await world.pass(1_000);
  };
  await world.pass(1_000);
  expect(waits()).toEqual({ step: 1, required: [] });
  await approve(1, 'ada', 1);
  expect(waits()).toEqual({ step: 2, required: ['qa'] });
  // Said of the first, heard at the second.
  await approve(2, 'anybody', 1);
  expect(world.said.at(-1)?.kind).toBe('approval.wanted');
  await approve(3, 'qa', 2);
  await run;
  const given = world.said.filter(({ kind }) => kind === 'approval.given').map(({ message }) => message);
  expect(given).toEqual(['approved by ada', 'approved by qa']);
});
