/** What of a file is carried out, and may not be what was meant. */

import type { Path, PathProblem } from './problem.ts';
import type { ResolvedFile } from './resolved.ts';
import type { DeploymentFile, FileStep } from './schema.ts';
import { strayTargets } from './targets.ts';

export function warningsOf(file: DeploymentFile): PathProblem[] {
  const steps = Object.entries(file.strategies ?? {}).flatMap(([strategy, { canary }]) =>
    stepWarnings(canary.steps ?? [], ['strategies', strategy, 'canary', 'steps']),
  );
  const found = [...strayTargets(file), ...steps];
  if (file.deploymentConfig?.keepDeploymentObject !== false) return found;
  const message = 'keepDeploymentObject: false has no effect: Sluice always keeps your Deployment';
  return [...found, { path: ['deploymentConfig', 'keepDeploymentObject'], message }];
}

/** A run goes on after a restart, so what it applies lies in the database: of a Secret a person should know that. */
export function secretWarnings({ targets }: ResolvedFile): PathProblem[] {
  const secrets = targets.flatMap(({ objects }) => objects.filter(({ object }) => object.kind === 'Secret'));
  const names = new Map(secrets.map(({ object, source }) => [`${source} ${object.metadata.name}`, { object, source }]));
  return [...names.values()].map(({ object, source }) => ({
    path: ['manifests'],
    message: `Secret ${object.metadata.name} (${source}): its data is kept with the deployment, in the orchestrator's database and its backups. To keep it out, let something else make the Secret (External Secrets, Sealed Secrets, kubectl) and only name it here`,
  }));
}

function stepWarnings(steps: FileStep[], path: Path): PathProblem[] {
  let highest = 0;
  return steps.flatMap(({ setWeight }, index): PathProblem[] => {
    const before = highest;
    highest = Math.max(highest, setWeight?.weight ?? 0);
    if (setWeight === undefined || setWeight.weight >= before) return [];
    const message = `weight falls from ${before} to ${setWeight.weight}: the canary gives traffic back`;
    return [{ path: [...path, index, 'setWeight', 'weight'], message }];
  });
}
