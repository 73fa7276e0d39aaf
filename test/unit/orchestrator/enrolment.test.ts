/** Who may join, how far a change of authority is, and what is said of a certificate that does not count. */

import { expect, test } from 'vitest';
import { explainUnaccepted } from '../../../src/orchestrator/hub/identify.ts';
import { judgeJoin } from '../../../src/orchestrator/security/join.ts';
import { assessRotation } from '../../../src/orchestrator/security/rotation.ts';
import type { Trusted } from '../../../src/orchestrator/security/authority.ts';

const HOUR_MS = 3_600_000;
const NEW = { account: 'east', expiresAt: new Date(24 * HOUR_MS), usedAt: null, usedKey: null, usedBy: null };
const USED = { ...NEW, usedAt: new Date(23 * HOUR_MS), usedKey: 'k', usedBy: 'pod-1 at 10.0.0.1' };

test.each([
  ['a new one', NEW, 'k', 1, undefined],
  ['one that nobody knows', undefined, 'k', 1, 'unknown'],
  ['a new one after a day', NEW, 'k', 24, 'expired'],
  ['a used one with its key, after its own end', USED, 'k', 40, undefined],
  ['a used one with its key, a day after its use', USED, 'k', 47, 'expired'],
  ['a used one with another key', USED, 'other', 23.5, 'reused'],
  ['a used one with another key, long after', USED, 'other', 100, 'reused'],
] as const)('%s: %s', (_what, row, key, hours, kind) => {
  expect(judgeJoin(row, key, hours * HOUR_MS)?.kind).toBe(kind);
});

test('a refusal says who used it, and what to do', () => {
  const { message } = judgeJoin(USED, 'other', 0) ?? {};
  expect(message).toContain('pod-1 at 10.0.0.1');
  expect(message).toContain('sluice agents add east');
});

const member = (role: Trusted['role'], fingerprint: string): Trusted => ({ role, fingerprint, endsAt: new Date(0) });
const agent = (fields: object) => ({
  account: 'east',
  revokedAt: null,
  disconnectedAt: null,
  certificateSerial: '1',
  certificateAuthority: 'a',
  authorities: ['a'],
  heldSerial: '1',
  ...fields,
});
const published = [member('active', 'a'), member('next', 'b')];
const signing = [member('active', 'b'), member('old', 'a')];

test.each([
  ['one that knows it', agent({ authorities: ['a', 'b'] }), published, []],
  ['one that does not', agent({}), published, ['does not know the new authority yet']],
  [
    'one that is away',
    agent({ disconnectedAt: new Date(0) }),
    published,
    ['does not know the new authority yet, and is not connected'],
  ],
  [
    'one with a file',
    agent({ authorities: null }),
    published,
    ['has a credential that it cannot change: enrol it (sluice agents add), or give it a new file'],
  ],
  ['one that is revoked', agent({ revokedAt: new Date(0) }), published, []],
  ['one that was invited only', agent({ certificateSerial: null, authorities: null }), published, []],
  ['one that has renewed', agent({ certificateAuthority: 'b' }), signing, []],
  [
    'one that has not stored it',
    agent({ certificateAuthority: 'b', heldSerial: '0' }),
    signing,
    ['still has a certificate of the old one'],
  ],
  ['one that has not renewed', agent({ authorities: ['a', 'b'] }), signing, ['still has a certificate of the old one']],
] as const)('of the next authority waits for %s', (_what, row, trusted, reasons) => {
  const { waiting } = assessRotation(trusted, [{ ...row, authorities: row.authorities && [...row.authorities] }], true);
  expect(waiting.map(({ reason }) => reason)).toEqual(reasons);
});

test('where the hub has a certificate of your own, nobody has to know the next authority before it signs', () => {
  expect(assessRotation(published, [agent({})], false)).toEqual({ phase: 'published', waiting: [] });
});

const PEER = { subject: { CN: 'east' }, valid_from: 'Nov  1 00:00:00 2026 GMT', valid_to: 'Nov 24 00:00:00 2026 GMT' };

test.each([
  [{}, undefined, 'No client certificate was presented'],
  [PEER, 'CERT_HAS_EXPIRED', 'The certificate of east ended at 2026-11-24T00:00:00.000Z'],
  [PEER, 'CERT_NOT_YET_VALID', 'Set the clock that is wrong'],
  [PEER, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'is of an authority that does not count here'],
])('what TLS did not accept is told in words: %j, %s', (peer, cause, words) => {
  expect(explainUnaccepted(peer as Parameters<typeof explainUnaccepted>[0], cause, 0)).toContain(words);
});
