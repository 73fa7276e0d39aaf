/** The pages of the charts' values say what the charts have. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { charts, chartValues, chartValuesPage } from '../../../scripts/chart-values.ts';

const root = join(import.meta.dirname, '../../..');

describe.each(charts)('helm/%s', (chart) => {
  it('has a page of its values that is what `npm run generate` writes', () => {
    expect(readFileSync(join(root, `docs/${chart}-values.md`), 'utf8')).toBe(chartValuesPage(chart));
  });

  it('says of each value what it does', () => {
    expect(chartValues(chart).filter(({ meaning }) => meaning === '')).toEqual([]);
  });

  it('knows each value in its schema, and has each value that the schema knows', () => {
    const schema = JSON.parse(readFileSync(join(root, `helm/${chart}/values.schema.json`), 'utf8')) as Schema;
    const inSchema = leavesOf(schema, schema).filter((key) => key !== 'global');
    const inValues = chartValues(chart).filter(({ preset }) => preset !== undefined);
    expect(inValues.map(({ key }) => key).toSorted()).toEqual(inSchema.toSorted());
  });

  it('lets each setting of the program be set', () => {
    const source = readFileSync(join(root, `src/${chart}/config.ts`), 'utf8');
    const settings = [...source.matchAll(/^ {2}(SLUICE_[A-Z_]+|DATABASE_URL): z?/gm)].map(([, name]) => name ?? '');
    const folder = join(root, `helm/${chart}/templates`);
    const templates = readdirSync(folder).filter((name) => /\.(yaml|tpl)$/.test(name));
    const text = templates.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    expect(settings.length).toBeGreaterThan(15);
    expect(settings.filter((name) => !text.includes(`- name: ${name}\n`)).toSorted()).toEqual(notInCharts[chart]);
  });
});

/** What an image or a pod has by itself, and what is for programs outside a cluster. */
const notInCharts = {
  agent: ['SLUICE_CREDENTIAL_DIR', 'SLUICE_INSECURE_LOOPBACK', 'SLUICE_KUBECONFIG', 'SLUICE_KUBE_CONTEXT'],
  orchestrator: ['SLUICE_AGENT_ADDRESS', 'SLUICE_API_ADDRESS', 'SLUICE_API_AUTH', 'SLUICE_DATA_DIR'],
};

interface Schema {
  $ref?: string;
  additionalProperties?: unknown;
  properties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
}

/** Paths of the values that a schema names. */
function leavesOf(schema: Schema, root: Schema, path: string[] = []): string[] {
  const { $ref } = schema;
  const own = $ref === undefined ? schema : (root.definitions?.[$ref.replace('#/definitions/', '')] ?? {});
  if (own.properties === undefined) return [path.join('.')];
  expect(own.additionalProperties, `${path.join('.')} is closed`).toBe(false);
  return Object.entries(own.properties).flatMap(([key, each]) => leavesOf(each, root, [...path, key]));
}
