/** When a certificate is renewed, which credential is taken, and a request that the authority can read. */

import fc from 'fast-check';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import type { KeptCredential } from '../../../src/agent/enrol/credential-secret.ts';
import { newKey, requestFor } from '../../../src/agent/enrol/key-request.ts';
import { planCredential } from '../../../src/agent/enrol/plan-credential.ts';
import { renewalDueMs, renewalRetryMs } from '../../../src/agent/enrol/renewal.ts';
import { publicKeyOf } from '../../../src/orchestrator/security/issue.ts';

const DAY_MS = 86_400_000;
const chance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const life = fc
  .tuple(fc.nat(10 ** 12), fc.integer({ min: 60_000, max: 3650 * DAY_MS }))
  .map(([issuedAtMs, lastsMs]) => ({ issuedAtMs, endsAtMs: issuedAtMs + lastsMs }));

test('it is renewed at two thirds of its life, or a little sooner, so that not all come together', () => {
  const month = { issuedAtMs: 0, endsAtMs: 30 * DAY_MS };
  expect(renewalDueMs(month, () => 0)).toBe(20 * DAY_MS);
  fc.assert(
    fc.property(life, chance, (each, random) => {
      const part = (renewalDueMs(each, () => random) - each.issuedAtMs) / (each.endsAtMs - each.issuedAtMs);
      expect(part).toBeGreaterThan(0.6);
      expect(part).toBeLessThan(0.667);
    }),
  );
});

test('after a failure it is tried again: never in a tight loop, never later than in 75 minutes, more often near the end', () => {
  fc.assert(
    fc.property(life, fc.nat(10 ** 13), chance, (each, nowMs, random) => {
      const waitMs = renewalRetryMs(each, nowMs, () => random);
      expect(waitMs).toBeGreaterThanOrEqual(60_000);
      expect(waitMs).toBeLessThanOrEqual(75 * 60_000);
    }),
  );
  const hour = { issuedAtMs: 0, endsAtMs: 60 * 60_000 };
  expect(renewalRetryMs(hour, 40 * 60_000, () => 0)).toBe(2 * 60_000);
});

const stored: KeptCredential = { account: 'east', enrolledWith: 'old' };
const memory: KeptCredential = { account: 'east', enrolledWith: 'old', server: 'memory' };
const none = { stored: undefined, memory: undefined, tokenId: undefined, refusedTokenId: undefined };

test.each([
  ['what the Secret holds', { ...none, stored }, { kind: 'use', credential: stored }],
  ['the Secret rather than memory', { ...none, stored, memory }, { kind: 'use', credential: stored }],
  ['memory, where the Secret is gone', { ...none, memory }, { kind: 'restore', credential: memory }],
  ['the token, where there is nothing', { ...none, tokenId: 'new' }, { kind: 'enrol', otherwise: undefined }],
  [
    'a token that was not used yet, over all',
    { ...none, stored, tokenId: 'new' },
    { kind: 'enrol', otherwise: stored },
  ],
  ['no token that was used', { ...none, stored, tokenId: 'old' }, { kind: 'use', credential: stored }],
  [
    'no token that was refused, with something else at hand',
    { ...none, memory, tokenId: 'new', refusedTokenId: 'new' },
    { kind: 'restore', credential: memory },
  ],
  [
    'a refused token again, with nothing else',
    { ...none, tokenId: 'x', refusedTokenId: 'x' },
    { kind: 'enrol', otherwise: undefined },
  ],
  ['nothing', none, { kind: 'none' }],
] as const)('it takes %s', (_what, known, plan) => {
  expect(planCredential(known)).toEqual(plan);
});

test('a request is one that the authority reads, for the key that signed it', async () => {
  for (let count = 0; count < 20; count += 1) {
    const key = await newKey();
    const expected = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
    expect(Buffer.from(await publicKeyOf(requestFor(key)))).toEqual(expected);
  }
});

test('a request that was changed on its way is refused', async () => {
  const request = requestFor(await newKey());
  for (const at of [40, request.length - 5]) {
    const changed = Buffer.from(request);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(publicKeyOf(changed)).rejects.toMatchObject({ code: 'INVALID_CSR' });
  }
});
