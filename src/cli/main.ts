#!/usr/bin/env node
/** The command line's door: arguments and environment in, output and exit code out. */

import { userInfo } from 'node:os';
import { CommanderError } from 'commander';
import { messageOf } from '../shared/errors.ts';
import { apiClient } from './api-client.ts';
import type { CommandContext } from './context.ts';
import { EXIT, Exit } from './exit-code.ts';
import { processOutput } from './output.ts';
import { buildProgram, type GlobalOptions } from './program.ts';
import { isInClear, trustAuthority } from './trust.ts';

const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', () => process.exit(EXIT.succeeded));

function contextOf({ server, token, ca, output }: GlobalOptions): CommandContext {
  if (ca !== undefined) trustAuthority(ca);
  const out = processOutput(output === 'json');
  if (token !== undefined && isInClear(server)) {
    out.note(
      `warning: the token goes to ${server} without TLS, and can be read on the way. Name it with https:// if it can be.`,
    );
  }
  return {
    api: apiClient({ url: server, token, authority: ca }),
    out,
    signal: stopping.signal,
    by: userName(),
    now: Date.now,
    environment: process.env,
  };
}

/** A container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env['USER'] ?? 'cli';
  }
}

const program = buildProgram(contextOf, (code) => (process.exitCode = code));
program.exitOverride();
for (const command of program.commands) {
  command.exitOverride();
  for (const inner of command.commands) inner.exitOverride();
}
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = codeOf(error);
  if (!(error instanceof CommanderError)) process.stderr.write(`${messageOf(error)}\n`);
}

function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.succeeded : EXIT.invalid;
  return error instanceof Exit ? error.code : EXIT.error;
}
