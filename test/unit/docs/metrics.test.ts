/** docs/metrics.md lists just the metrics of the source, with their labels and meanings. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AGENT_METRICS } from '../../../src/agent/metrics/catalogue.ts';
import { ORCHESTRATOR_METRICS } from '../../../src/orchestrator/metrics/catalogue.ts';
import { isList } from '../../../src/shared/metrics.ts';
import type { LabelValues, MetricDefinition } from '../../../src/shared/metrics.ts';
import { PROCESS_METRICS } from '../../../src/shared/process-metrics.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
/** More values than these stand in a table of their own. */
const SHORT = 9;

function rowsOf(heading: string): string[] {
  const part = page.split(/^## /m).find((each) => each.startsWith(heading)) ?? '';
  return part.split('\n').filter((line) => line.startsWith('| `'));
}

function showLabel([name, values]: [string, LabelValues]): string {
  if (!isList(values)) return `\`${name}\`: ${values.from}`;
  if (values.length > SHORT) return `\`${name}\` (below)`;
  return `\`${name}\`: ${values.map((value) => `\`${value}\``).join(', ')}`;
}

function rowOf({ name, type, labels = {}, help }: MetricDefinition): string {
  return `| \`${name}\` | ${type} | ${Object.entries(labels).map(showLabel).join('; ')} | ${help} |`;
}

test.each([
  ['Agent', AGENT_METRICS],
  ['Orchestrator', ORCHESTRATOR_METRICS],
  ['Both', PROCESS_METRICS],
] as [string, Record<string, MetricDefinition>][])(
  'the table of %s has the metrics of the source',
  (heading, metrics) => {
    expect(rowsOf(heading)).toEqual(Object.values(metrics).map(rowOf));
  },
);

test('its long lists have every value that a label can have', () => {
  const listed = rowsOf('Long lists');
  for (const { name, labels = {} } of [AGENT_METRICS, ORCHESTRATOR_METRICS].flatMap((each): MetricDefinition[] =>
    Object.values(each),
  )) {
    for (const [label, values] of Object.entries(labels)) {
      if (!isList(values) || values.length <= SHORT) continue;
      const row = listed.find((line) => line.startsWith(`| \`${label}\` |`)) ?? '';
      expect([name, values.filter((value) => !row.includes(`\`${value}\``))]).toEqual([name, []]);
    }
  }
});

test('a metric is counted in seconds or bytes, a counter ends in _total, and each name is there once', () => {
  const all = [AGENT_METRICS, ORCHESTRATOR_METRICS, PROCESS_METRICS].flatMap((each): MetricDefinition[] =>
    Object.values(each),
  );
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const { name, type, help } of all) {
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect(name).not.toMatch(/_(ms|millis|milliseconds|kb|mb|minutes)\b/);
    expect(help).toMatch(/\.$/);
  }
});

test('the source names no metric elsewhere', () => {
  const files = globSync('src/**/*.ts', { cwd: root, exclude: ['src/*/metrics/**', 'src/shared/process-metrics.ts'] });
  const named = files.filter((path) =>
    /['"`]sluice_(agent_)?[a-z_]+_(total|seconds|bytes)\b/.test(readFileSync(join(root, path), 'utf8')),
  );
  expect(named).toEqual([]);
});
