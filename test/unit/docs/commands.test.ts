/** The commands that the pages tell people to type are commands: each flag is known, each argument in its place. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/program.ts';
import { shellLines, wordsOf } from '../../support/shell-blocks.ts';

const root = join(import.meta.dirname, '../../..');

const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })].map((page) => ({
  page,
  commands: commandsOf(readFileSync(join(root, page), 'utf8')),
}));

describe.each(pages.filter(({ commands }) => commands.length > 0))('$page', ({ commands }) => {
  it.each(commands)('%s', async (command) => {
    const ran: string[] = [];
    const program = buildProgram(
      () => {
        throw new Error('nothing is done here');
      },
      () => undefined,
    );
    for (const each of allOf(program)) {
      each.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
      if (each !== program) each.action(() => void ran.push(each.name()));
    }
    await program.parseAsync(argumentsOf(command), { from: 'user' });
    expect(ran).toHaveLength(1);
  });
});

/** Each `sluice ...` of the blocks for a shell. */
function commandsOf(page: string): string[] {
  const command = /^(?:npm run (?:--silent )?)?sluice (?:-- )?[a-z][^|&]*/;
  return shellLines(page).flatMap((line) => command.exec(line)?.[0] ?? []);
}

/** What comes after the program's name. */
function argumentsOf(command: string): string[] {
  return wordsOf(command.replace(/^(npm run (--silent )?)?sluice (-- )?/, '').replace(/ #.*$/, ''));
}

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}
