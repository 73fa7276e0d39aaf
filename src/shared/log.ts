/** The log: pino, JSON lines for machines or one readable line for people; constant messages, fields from a list, no secrets. */

import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import { codeOf, messageOf } from './errors.ts';
import type { LogFields } from './log-fields.ts';

/** A constant message, listed in docs/logs.md; what varies is a field. */
type Say = (fields: LogFields, message: string) => void;

/** `debug`: for who looks for a fault. `info`: a state that changed. `warn`: somebody should know. `error`: somebody should act. `fatal`: the process ends. */
export interface Log {
  debug: Say;
  info: Say;
  warn: Say;
  error: Say;
  fatal: Say;
  child(bindings: LogFields): Log;
}

export type LogFormat = 'json' | 'pretty';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  name: string;
  format: LogFormat;
  level: LogLevel;
  /** Default: standard output. */
  destination?: DestinationStream;
}

/**
 * Makes the root logger; children with bindings are handed down, never imported.
 * An `err` field is cut to code and message: raw errors carry headers, and so tokens. What looks like a secret is struck out of every line.
 */
export function createLog(options: LogOptions): Log {
  const out = options.destination ?? pino.destination({ fd: 1, sync: true });
  return pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => ({ code: codeOf(error), message: messageOf(error) }) },
      hooks: { streamWrite: scrub },
      redact: ['token', '*.token', 'authorization', '*.authorization', 'metadata.authorization', 'key', '*.key'],
    },
    options.format === 'json' ? out : prettyInto(out),
  );
}

/** What is secret by its form, wherever in a line it stands: texts of others (a client's error, a library's) quote what they were given. */
const SECRETS: [RegExp, string][] = [
  // In a URL: user and password.
  [/(?<=:\/\/)[^\s"\\/]+@/g, '***@'],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, '$1 ***'],
  // Ours: of agents, of the API, to enrol with.
  [/\bsluice[_-][\w-]{30,}/g, 'sluice_***'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs, '***'],
];

/** @param line as it would be written. The replacements hold nothing that JSON would have to escape. */
function scrub(line: string): string {
  return SECRETS.reduce((text, [pattern, put]) => text.replace(pattern, put), line);
}

/** Drops everything: for tests, and for callers that do not care. */
export const silentLog: Log = pino({ level: 'silent' });

function prettyInto(out: DestinationStream): DestinationStream {
  return { write: (line) => out.write(prettyLine(line)) };
}

/** One JSON line as one line for a terminal: time, level, message, then `field=value`. */
function prettyLine(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown>;
  const { level, time, msg, name: _name, ...fields } = record;
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${plain(value)}`);
  return [String(time).slice(11, 23), String(level).padEnd(5), String(msg), ...rest].join(' ') + '\n';
}

function plain(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
