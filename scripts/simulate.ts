/** `npm run simulate`: the rollout core against a model of a cluster, as often as one likes; prints the seed, writes the figures as JSON. */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { simulateMany } from '../test/simulation/many.ts';

const usage = `npm run simulate [-- --runs N] [--seed S] [--json FILE]
  --runs N     default: 10000
  --seed S     of the first run, the others count up from it; default: one of chance, which is printed
  --json FILE  where { seed, runs, steps, violations, kinds, outcomes, failures } goes; default: nowhere`;

function main(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '10000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true || ![values.runs, values.seed].every((value) => /^\d+$/.test(value))) {
    console.log(usage);
    return values.help === true ? 0 : 2;
  }
  const start = performance.now();
  console.log(`${values.runs} runs from seed ${values.seed} on`);
  const tally = simulateMany(Number(values.seed), Number(values.runs));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(tally, null, 2)}\n`);
  for (const failure of tally.failures) console.log(failure);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${tally.runs} runs, ${tally.steps} steps, ${tally.violations} runs with violations, in ${seconds} s`);
  return tally.violations === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
