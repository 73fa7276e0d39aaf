import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KubeApi } from '../../../src/agent/kubernetes/kube-api.ts';
import { systemClock } from '../../../src/shared/clock.ts';

/** Takes this token alone, and counts what it is asked. */
let accepted = 'new';
let asked: string[] = [];
/** What the file holds. */
let stored = 'old';
let api: KubeApi;

const server = createServer((request, response) => {
  const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
  asked.push(token);
  const isKnown = token === accepted;
  response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
  response.end(isKnown ? '{}' : '{"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"}');
});

beforeEach(async () => {
  [asked, stored, accepted] = [[], 'old', 'old'];
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const read = (): Promise<{ tls: object; headers: Record<string, string> }> =>
    Promise.resolve({ tls: {}, headers: { authorization: `Bearer ${stored}` } });
  api = new KubeApi({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, read }, systemClock);
});

afterEach(async () => {
  api.close();
  server.closeAllConnections();
  await once(server.close(), 'close');
});

const write = (): Promise<unknown> =>
  api.call({ method: 'PATCH', path: '/x', body: {}, what: 'write', repeatable: false });

test('a token that was rotated since it was read is read again, and the call made once more', async () => {
  await write();
  [stored, accepted] = ['new', 'new'];
  await write();
  expect(asked).toEqual(['old', 'old', 'new']);
  await write();
  expect(asked).toEqual(['old', 'old', 'new', 'new']);
});

test('a token that is refused and is the one in the file is refused at once', async () => {
  accepted = 'other';
  await expect(write()).rejects.toMatchObject({ status: 401 });
  expect(asked).toEqual(['old']);
});
