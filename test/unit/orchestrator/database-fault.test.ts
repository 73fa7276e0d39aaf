import { describe, expect, test } from 'vitest';
import { databaseFault, databaseHost } from '../../../src/orchestrator/store/database-fault.ts';

const URL = 'postgresql://sluice:planted@db.example:6543/sluice';
const of = (code: string, message = 'no') => Object.assign(new Error(message), { code });

describe('which database, without user and password', () => {
  test.each([
    [URL, 'db.example:6543'],
    ['postgresql://sluice:plan%2Fted@db.example/sluice?sslmode=require', 'db.example'],
    ['postgresql:///sluice?host=/var/run/postgresql', '/var/run/postgresql'],
    // A password that nobody escaped.
    ['postgresql://sluice:plan/ted@db.example/sluice', 'the database in DATABASE_URL'],
    ['postgresql://sluice:12#planted@db.example/sluice', 'the database in DATABASE_URL'],
    ['postgresql://nonsense:planted', 'the database in DATABASE_URL'],
    [undefined, 'the embedded database'],
  ])('%s', (url, host) => {
    expect(databaseHost(url)).toBe(host);
    expect(JSON.stringify(databaseFault(of('28P01'), url))).not.toContain('plan');
  });
});

test.each([
  [of('ERR_INVALID_URL', 'Invalid URL'), 'url', /@ as %40/],
  [of('ENOTFOUND'), 'dns', /Correct the host/],
  [of('ECONNREFUSED'), 'tcp', /whether PostgreSQL runs there/],
  [new Error('timeout expired'), 'tcp', /NetworkPolicy/],
  [of('SELF_SIGNED_CERT_IN_CHAIN'), 'tls', /sslrootcert/],
  [new Error('The server does not support SSL connections'), 'tls', /sslmode/],
  [of('28P01', 'password authentication failed for user "sluice"'), 'auth', /user and password/],
  [new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), 'auth', /user and password/],
  [of('3D000'), 'missing', /Create the database/],
  [of('53300'), 'full', /max_connections/],
  [of('57P01'), 'stopped', /restarts, fails over/],
  [new Error('Connection terminated unexpectedly'), 'stopped', /server's log/],
  [new Error('something else'), 'other', /server's log/],
] as const)('%s', (error, cause, hint) => {
  expect(databaseFault(error, URL)).toEqual({
    host: 'db.example:6543',
    cause,
    hint: expect.stringMatching(hint) as string,
  });
});

test('of the embedded one the way out is another', () => {
  expect(databaseFault(of('ECONNRESET'), undefined).hint).toMatch(/postgres\.log in the data folder/);
});
