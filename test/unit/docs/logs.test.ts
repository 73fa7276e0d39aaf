/** docs/logs.md has just the lines that the source can write, with their levels and fields. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LOG_FIELDS } from '../../../src/shared/log-fields.ts';
import { repository } from '../../support/child.ts';
import { callsIn, logCallsOf } from '../../support/log-calls.ts';

const doc = readFileSync(join(repository, 'docs/logs.md'), 'utf8');
const calls = logCallsOf('src/**/*.ts');

/** Rows of the table under a heading, by cell. */
function tableOf(heading: string): string[][] {
  const [, section = ''] = new RegExp(`^## ${heading}\n([^]*?)(?=^## |(?![^]))`, 'm').exec(doc) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|---'));
  return rows.slice(1).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const names = (cell = ''): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');

/** `message: levels; fields`, one for each message, all its calls together. */
function said(folder: string): string[] {
  const lines = new Map<string, { levels: Set<string>; fields: Set<string> }>();
  for (const { file, level, message = '', fields } of calls) {
    if (!file.startsWith(`src/${folder}/`)) continue;
    const line = lines.get(message) ?? { levels: new Set(), fields: new Set() };
    line.levels.add(level);
    for (const field of fields) line.fields.add(field);
    lines.set(message, line);
  }
  const words = (set: Set<string>): string => [...set].toSorted().join(' ');
  return [...lines].map(([message, { levels, fields }]) => `${message}: ${words(levels)}; ${words(fields)}`).toSorted();
}

describe('docs/logs.md and the source say the same lines', () => {
  test.each([
    ['The agent', 'agent'],
    ['The orchestrator', 'orchestrator'],
    ['Both', 'shared'],
  ])('%s', (heading, folder) => {
    const listed = tableOf(heading).map(([levels = '', message = '', fields, meaning = '']) => {
      expect(meaning.length, `${message} has a meaning`).toBeGreaterThan(5);
      return `${message}: ${levels.split(', ').toSorted().join(' ')}; ${names(fields).toSorted().join(' ')}`;
    });
    expect(listed.toSorted()).toEqual(said(folder));
  });

  test('and no other part of the source logs', () => {
    const folders = new Set(calls.map(({ file }) => file.split('/')[1] ?? ''));
    expect([...folders].toSorted()).toEqual(['agent', 'orchestrator', 'shared']);
    expect(calls.length).toBeGreaterThan(100);
  });
});

test('every message is a constant, and every field is written where it is logged', () => {
  expect(calls.filter(({ message, unread }) => message === undefined || unread > 0)).toEqual([]);
});

test('the fields are those of the list, and each is explained', () => {
  const used = new Set(calls.flatMap(({ fields }) => fields));
  // Of children: what all lines of an election have.
  expect([...used, 'lease'].toSorted()).toEqual([...LOG_FIELDS].toSorted());
  expect(tableOf('Fields').map(([field]) => names(field)[0])).toEqual([...LOG_FIELDS].toSorted());
});

test('what is no constant, or comes from elsewhere, is found', () => {
  const text = `
    this.#options.log.warn({ a: 1, ...(b && { c }), ...elsewhere }, \`not \${constant}\`);
    const fields = { d: 1 };
    if (x) log.info(fields, 'constant');
    log.info(made(), 'made'); function made() { return { e: 1 }; }
    other.warn({ f: 1 }, 'no log');`;
  const [first, second, third, ...rest] = callsIn('a.ts', text);
  expect(first).toMatchObject({ level: 'warn', message: undefined, fields: ['a', 'c'], unread: 1 });
  expect(second).toMatchObject({ level: 'info', message: 'constant', fields: ['d'], unread: 0 });
  expect(third).toMatchObject({ message: 'made', fields: ['e'], unread: 0 });
  expect(rest).toEqual([]);
});
