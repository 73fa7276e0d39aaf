/** Says of a database that does not serve which one it is, why, and what to do. Pure. */

import { codeOf, messageOf } from '../../shared/errors.ts';

export interface DatabaseFault {
  /** Where it is, without user and password. */
  host: string;
  cause: 'url' | 'dns' | 'tcp' | 'tls' | 'auth' | 'missing' | 'full' | 'stopped' | 'other';
  hint: string;
}

/** Which database: for people. @param url postgresql://…; undefined: the embedded one. */
export function databaseHost(url: string | undefined): string {
  if (url === undefined) return 'the embedded database';
  const parsed = URL.parse(url);
  // Where a password holds an unescaped / or #, a part of it would stand where the host is.
  const isOdd = parsed === null || (parsed.username === '' && url.replace(/^\w+:\/\//, '').includes('@'));
  if (isOdd) return 'the database in DATABASE_URL';
  return parsed.host || parsed.searchParams.get('host') || 'the database in DATABASE_URL';
}

/** @param url postgresql://…; undefined: the embedded one. */
export function databaseFault(error: unknown, url: string | undefined): DatabaseFault {
  const cause = causeOf(codeOf(error) ?? '', messageOf(error));
  return { host: databaseHost(url), cause, hint: url === undefined ? EMBEDDED_HINT : HINTS[cause] };
}

function causeOf(code: string, message: string): DatabaseFault['cause'] {
  if (code === 'ERR_INVALID_URL') return 'url';
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'dns';
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code) || /timeout/i.test(message)) return 'tcp';
  if (/CERT|SSL|SIGNED|UNABLE_TO_/.test(code) || /\bSSL\b/.test(message)) return 'tls';
  // SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
  if (code.startsWith('28') || /no password was provided|SASL|SCRAM/i.test(message)) return 'auth';
  if (code === '3D000') return 'missing';
  if (code === '53300' || code === '53100' || code === '53200') return 'full';
  if (/^57P0[1-5]$/.test(code) || /^(ECONNRESET|EPIPE)$/.test(code) || /terminated/i.test(message)) return 'stopped';
  return 'other';
}

const HINTS: Record<DatabaseFault['cause'], string> = {
  url: 'DATABASE_URL is no URL. In user and password write % as %25, / as %2F, # as %23, @ as %40, : as %3A.',
  dns: 'Correct the host in DATABASE_URL, or look at the DNS that the orchestrator asks.',
  tcp: 'Look whether PostgreSQL runs there, whether its port is right, and whether a firewall or NetworkPolicy lets the orchestrator through.',
  tls: 'Compare sslmode and sslrootcert in DATABASE_URL with what the server offers.',
  auth: "Correct user and password in DATABASE_URL; the server's pg_hba.conf must let this user in from here.",
  missing: 'Create the database that DATABASE_URL names.',
  full: 'The server has no connection, memory or disk left: look at max_connections (the orchestrator takes up to 25 connections) and at its disk.',
  stopped:
    "The server ended the connection: it restarts, fails over, or somebody ended the session. Look at the server's log if it does not come back.",
  other: "Look at the server's log.",
};

const EMBEDDED_HINT =
  'Look at postgres.log in the data folder, at its disk, and whether somebody stopped the process; then start the orchestrator again.';
