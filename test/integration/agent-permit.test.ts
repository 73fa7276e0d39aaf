import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect, createServer as createDoor } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthority } from '../cluster/certificates.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { SluiceError } from '../../src/shared/errors.ts';
import { systemClock } from '../../src/shared/clock.ts';

/** Requests that came to the API server's end. */
let requests: number;
let answers: ((response: ServerResponse) => void)[];
/** Nothing passes before it is resolved: connections stand, TLS does not. */
let opens: Promise<void>;
let api: KubeApi;
let stop: () => Promise<void>;

beforeEach(async () => {
  requests = 0;
  answers = [];
  opens = Promise.resolve();
  const authority = await createAuthority();
  const { certificate, key } = await authority.server(['127.0.0.1']);
  const server = createServer({ cert: certificate, key }, (_request, response) => {
    requests += 1;
    const answer = answers.shift() ?? ((each: ServerResponse) => void each.end('{}'));
    answer(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const sockets = new Set<Socket>();
  const door = createDoor((outer) => {
    const inner = connect((server.address() as AddressInfo).port, '127.0.0.1');
    for (const socket of [outer, inner]) sockets.add(socket.on('error', () => undefined));
    void opens.then(() => outer.pipe(inner).pipe(outer));
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
  const url = `https://127.0.0.1:${(door.address() as AddressInfo).port}`;
  const credentials = { tls: { ca: authority.certificate }, headers: {} };
  api = new KubeApi({ server: url, read: () => Promise.resolve(credentials) }, systemClock);
  stop = async () => {
    api.close();
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await Promise.all([once(server.close(), 'close'), once(door.close(), 'close')]);
  };
});

afterEach(() => stop());

const write = (permit: () => void, signal?: AbortSignal) =>
  api.call({ method: 'PATCH', path: '/x', body: {}, what: 'write', permit, ...(signal && { signal }) });

const tooLate = (): never => {
  throw new SluiceError('EXPIRED', 'too late');
};

test('the permit is asked when the connection stands, not before: what became late while it was made is not sent', async () => {
  const gate = Promise.withResolvers<void>();
  opens = gate.promise;
  let isLate = false;
  let asked = 0;
  const written = write(() => {
    asked += 1;
    if (isLate) tooLate();
  });
  const failed = written.catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(asked).toBe(0);
  isLate = true;
  gate.resolve();
  expect(await failed).toMatchObject({ code: 'EXPIRED', message: 'too late' });
  expect([asked, requests]).toEqual([1, 0]);
});

test('it is asked again at each try', async () => {
  answers = [(response) => void response.writeHead(503).end('{}')];
  let asked = 0;
  await expect(write(() => void (++asked > 1 && tooLate()))).rejects.toMatchObject({ code: 'EXPIRED' });
  expect([asked, requests]).toEqual([2, 1]);
});

test('an abort while the connection is made ends it; one after the bytes went out changes nothing', async () => {
  const gate = Promise.withResolvers<void>();
  opens = gate.promise;
  const before = new AbortController();
  const unsent = write(() => undefined, before.signal).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 50));
  before.abort();
  expect(await unsent).toMatchObject({ code: 'CANCELLED' });
  gate.resolve();
  const after = new AbortController();
  answers = [
    (response) => {
      after.abort();
      setTimeout(() => response.end('{"written":true}'), 50);
    },
  ];
  await expect(write(() => undefined, after.signal)).resolves.toEqual({ written: true });
  expect(requests).toBe(1);
});

test('a refusal that comes after the abort is told, and not tried again', async () => {
  const stopping = new AbortController();
  answers = [
    (response) => {
      stopping.abort();
      response.writeHead(503).end('{"message":"busy"}');
    },
  ];
  await expect(write(() => undefined, stopping.signal)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(requests).toBe(1);
});

test('writes that wait for a free connection go out on it, however many they are', async () => {
  const writes = Array.from({ length: 200 }, () => write(() => undefined));
  expect(await Promise.all(writes)).toHaveLength(200);
  expect(requests).toBe(200);
});
