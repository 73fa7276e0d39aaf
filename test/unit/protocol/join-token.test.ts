/** The join token: one word to paste, whole or refused, and never quoted. */

import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeJoinToken, encodeJoinToken } from '../../../src/protocol/join-token.ts';
import { makeRoot } from '../../../src/orchestrator/security/issue.ts';

const [first, second] = [(await makeRoot(0)).certificate, (await makeRoot(0)).certificate];
const token = { account: 'east', server: 'sluice.example:8443', ca: `${first}\n${second}`, secret: 's3cret-of-east' };

test('what is encoded is read again, the authorities too', () => {
  const { ca = '', ...rest } = decodeJoinToken(encodeJoinToken(token));
  expect(rest).toEqual({ account: 'east', server: 'sluice.example:8443', secret: 's3cret-of-east' });
  const pems = ca.split(/(?<=-----END CERTIFICATE-----)\n/);
  expect(pems.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
    [first, second].map((pem) => new X509Certificate(pem).fingerprint256),
  );
});

test('it is one word of letters that no shell and no YAML reads otherwise, and says what it is', () => {
  expect(encodeJoinToken(token)).toMatch(/^sluice-join-[A-Za-z0-9_-]+$/);
});

test('without an authority the system is trusted', () => {
  const { account, server, secret } = token;
  expect(decodeJoinToken(`  ${encodeJoinToken({ account, server, secret })}\n`)).toEqual({ account, server, secret });
});

test.each([
  ['nothing', ''],
  ['an API token', 'sluice_abcdef'],
  ['one that was cut off', encodeJoinToken(token).slice(0, -9)],
  ['one without a secret', `sluice-join-${Buffer.from('{"account":"east","server":"a:1"}').toString('base64url')}`],
])('%s is refused, with what to do and nothing of what it holds', (_what, text) => {
  let message = '';
  try {
    decodeJoinToken(text);
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain('sluice agents add');
  expect(message).not.toContain('s3cret');
  expect(message).not.toContain('sluice_abc');
});
