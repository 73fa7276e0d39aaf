/** `npm run bench -- SCENARIO [--json FILE]`: measures, prints a table, writes the figures. Never part of a test. */

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { crashToZero } from './crash-to-zero.ts';
import { firstWeight } from './first-weight.ts';
import { hundred } from './hundred.ts';
import { idle } from './idle.ts';
import type { Row } from './measure.ts';
import { memory } from './memory.ts';
import { reconnect } from './reconnect.ts';
import { resume } from './resume.ts';
import { shift } from './shift.ts';
import { start } from './start.ts';
import { stepGap } from './step-gap.ts';
import { throughput } from './throughput.ts';

const scenarios: Record<string, () => Promise<Row[]>> = {
  shift,
  'first-weight': firstWeight,
  'step-gap': stepGap,
  hundred,
  resume,
  'crash-to-zero': crashToZero,
  throughput,
  reconnect,
  memory,
  idle,
  start,
};

function usage(): never {
  console.error(`npm run bench -- SCENARIO... [--json FILE]\nScenarios: ${Object.keys(scenarios).join(', ')}, all`);
  process.exit(2);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } });
const names = positionals.includes('all') ? Object.keys(scenarios) : positionals;
if (names.length === 0) usage();

console.log(`${cpus().length} processors, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`);
const rows: Row[] = [];
for (const name of names) {
  const scenario = scenarios[name] ?? usage();
  rows.push(...(await scenario()));
}
console.table(
  rows.map(({ scenario, metric, n, p50, p99, max, target, unit }) => ({
    scenario,
    metric,
    n,
    p50,
    p99,
    max,
    target,
    unit,
  })),
);
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(rows, null, 2) + '\n');
