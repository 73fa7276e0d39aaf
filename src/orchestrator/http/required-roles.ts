/** Whom the step that a rollout waits at asks for. Pure. */

import type { ResolvedFile } from '../file/resolved.ts';

/** @returns empty: whoever may approve; also where it is an analysis that waits for a person. */
export function requiredRoles(file: ResolvedFile, { target, step }: { target: string; step: number }): string[] {
  const steps = file.targets.find(({ name }) => name === target)?.strategy?.steps ?? [];
  // Counted from 1, as a rollout tells it.
  const waitsAt = steps[step - 1];
  return waitsAt?.kind === 'approval' ? waitsAt.requiresRoles : [];
}
