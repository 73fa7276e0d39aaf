/** What a stage of the Dockerfile says of its image, so that there is one truth. */

import { readFileSync } from 'node:fs';

export interface Stage {
  entrypoint: string[];
  /** `uid:gid` */
  user: string;
  workdir: string;
  env: Record<string, string>;
}

/** @throws for a stage that is not there, or lacks one of its lines. */
export function readStage(dockerfile: string, target: string): Stage {
  const stages = readFileSync(dockerfile, 'utf8').split(/^FROM /m);
  const text = stages.find((each) => each.split('\n')[0]?.endsWith(` AS ${target}`)) ?? '';
  const line = (instruction: string): string => {
    const found = new RegExp(`^${instruction} (.*)$`, 'm').exec(text)?.[1];
    if (found === undefined) throw new Error(`${dockerfile} has no ${instruction} for ${target}.`);
    return found;
  };
  // The folder goes in whole, and nothing else of ours.
  const content = line('COPY');
  if (content !== `--from=build /src/dist/${target} ./`) throw new Error(`${dockerfile}, ${target}: COPY ${content}`);
  const variables = /^ENV (.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
  return {
    entrypoint: JSON.parse(line('ENTRYPOINT')) as string[],
    user: line('USER'),
    workdir: line('WORKDIR'),
    env: Object.fromEntries(variables.map((each) => each.split('=') as [string, string])),
  };
}
