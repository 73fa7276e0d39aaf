/** Writes each chart's values as a page: key, default, meaning, from the comments in values.yaml; a test keeps them equal. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';

/** A value of a chart, or a group of values that something is said of. */
interface ChartValue {
  /** Dotted. */
  key: string;
  /** As one would write it; a long one is told by its place. Undefined: a group. */
  preset: string | undefined;
  /** Empty: values.yaml does not say. */
  meaning: string;
}

const root = join(import.meta.dirname, '..');
/** Longer defaults are read in values.yaml. */
const MAX_PRESET = 60;

export const charts = ['agent', 'orchestrator'] as const;

/** Every value, in the order of the file: maps that a user fills or replaces as a whole are one value. */
export function chartValues(chart: string): ChartValue[] {
  return mapOf(chart).items.flatMap((pair) => valuesOf(pair as Pair<Node, Node>, []));
}

/** The page of one chart. */
export function chartValuesPage(chart: string): string {
  const rows = chartValues(chart).map(
    ({ key, preset, meaning }) =>
      `| ${preset === undefined ? `**${key}**` : `\`${key}\``} | ${preset ?? ''} | ${meaning} |`,
  );
  const intro = sentence(parse(chart).commentBefore ?? '');
  return [
    `# The values of helm/${chart}`,
    '',
    ...(intro === '' ? [] : [intro, '']),
    `A value that is not listed is refused, by name. (Made of the comments in [values.yaml](../helm/${chart}/values.yaml) by \`npm run generate\`.)`,
    '',
    '| value | default | |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function parse(chart: string): Document.Parsed {
  return parseDocument(readFileSync(join(root, 'helm', chart, 'values.yaml'), 'utf8'));
}

function mapOf(chart: string): YAMLMap {
  const document = parse(chart);
  const map = document.contents;
  if (!isMap(map)) throw new Error(`helm/${chart}/values.yaml is no map.`);
  giveFirstComment(map);
  return map;
}

/** The parser gives the comment before a map's first key to the map. */
function giveFirstComment(map: YAMLMap): void {
  const key = map.items[0]?.key;
  if (isScalar(key) && map.commentBefore) key.commentBefore = map.commentBefore;
}

function valuesOf({ key, value }: Pair<Node, Node | null>, path: string[]): ChartValue[] {
  if (!isScalar(key) || value === null) throw new Error(`${path.join('.')}: a key without a value.`);
  const own = [...path, String(key.value)];
  const meaning = escape(sentence(key.commentBefore ?? ''));
  if (!isMap(value) || value.flow === true || isWhole(own))
    return [{ key: own.join('.'), preset: presetOf(value), meaning }];
  giveFirstComment(value);
  const group = meaning === '' ? [] : [{ key: own.join('.'), preset: undefined, meaning }];
  return [...group, ...value.items.flatMap((pair) => valuesOf(pair as Pair<Node, Node>, own))];
}

/** Kubernetes' own shapes, which nobody looks up key by key. */
function isWhole(path: string[]): boolean {
  return ['resources', 'podSecurityContext', 'securityContext'].includes(path.join('.'));
}

function presetOf(value: Node): string {
  const text = JSON.stringify(value.toJSON());
  if (text === '""') return '';
  return text.length <= MAX_PRESET ? `\`${escape(text)}\`` : 'see values.yaml';
}

/** A comment as one line; lines that are indented deeper are commands. */
function sentence(comment: string): string {
  const lines = comment.split('\n').map((line) => line.replace(/^ /, '').trimEnd());
  return lines
    .map((line) => (/^ {2,}\S/.test(line) ? `\`${line.trim()}\`` : line))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main)
  for (const chart of charts) writeFileSync(join(root, `docs/${chart}-values.md`), chartValuesPage(chart));
