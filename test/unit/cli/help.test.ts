/** The help: every command has an example, and every example is one that the command line takes. */

import { expect, test } from 'vitest';
import type { Command } from 'commander';
import { EXAMPLES } from '../../../src/cli/examples.ts';
import { buildProgram } from '../../../src/cli/program.ts';

const program = buildProgram(
  () => {
    throw new Error('no command runs here');
  },
  () => undefined,
);

function pathsOf(command: Command, above = ''): [string, Command][] {
  const path = `${above}${above === '' ? '' : ' '}${command.name()}`;
  return [[path, command], ...command.commands.flatMap((inner) => pathsOf(inner, path))];
}

const commands = new Map(pathsOf(program));

test('every command has an example, and no example is of a command that is gone', () => {
  const named = [...commands.keys()].filter((path) => path !== 'sluice');
  expect(Object.keys(EXAMPLES).toSorted()).toEqual(named.toSorted());
});

test.each(Object.values(EXAMPLES).flat())('%s', (line) => {
  const words = line.split(/ (?=(?:[^']*'[^']*')*[^']*$)/);
  const depth = [3, 2].find((count) => commands.has(words.slice(0, count).join(' '))) ?? 0;
  const command = commands.get(words.slice(0, depth).join(' '));
  const flags = words.slice(depth).filter((word) => word.startsWith('-'));
  const known = [command, command?.parent, program].flatMap((each) => each?.options ?? []);
  const unknown = flags.filter((flag) => !known.some(({ long, short }) => flag === long || flag === short));
  expect([depth > 0, unknown]).toEqual([true, []]);
});

test('what a program runs by itself is not asked where the API is', () => {
  const help = (path: string): string => commands.get(path)?.helpInformation() ?? '';
  expect(help('sluice up')).not.toContain('--token');
  expect(help('sluice agent doctor')).toContain('--kubeconfig');
  expect(help('sluice status')).toContain('--token');
});
