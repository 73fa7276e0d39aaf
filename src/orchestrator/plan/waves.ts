/** The order of a deployment's targets: those whose dependencies are done go together. */

export interface Dependent {
  name: string;
  dependsOn: string[];
}

/**
 * Targets in waves; each wave depends on earlier ones only.
 * @throws if the dependencies go in a circle: the file must have refused that.
 */
export function inWaves<T extends Dependent>(targets: T[]): T[][] {
  const waves: T[][] = [];
  const done = new Set<string>();
  let left = targets;
  while (left.length > 0) {
    const wave = left.filter(({ dependsOn }) => dependsOn.every((name) => done.has(name)));
    if (wave.length === 0)
      throw new Error(`targets depend on each other in a circle: ${left.map(({ name }) => name).join(', ')}`);
    waves.push(wave);
    for (const { name } of wave) done.add(name);
    left = left.filter(({ name }) => !done.has(name));
  }
  return waves;
}
