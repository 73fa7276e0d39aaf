/** A connection that does not come about: its cause is in the log once, not once for each attempt, with what to do. */

import { ServerCredentials } from '@grpc/grpc-js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, createSecureServer } from 'node:http2';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { diagnoseConnection } from '../../src/agent/stream/diagnose.ts';
import { readProxy } from '../../src/agent/stream/proxy.ts';
import { createLog } from '../../src/shared/log.ts';
import { createAuthority } from '../cluster/certificates.ts';
import type { Authority, KeyPair } from '../cluster/certificates.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgentOptions } from '../support/agent.ts';
import { node } from '../support/child.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { SmallHub } from '../support/small-hub.ts';

const DAY_MS = 86_400_000;

interface Line {
  level: string;
  msg: string;
  cause?: string;
  code?: string;
  message?: string;
  hint?: string;
  next_retry_ms?: number;
  attempt?: number;
  attempts?: number;
  away_ms?: number;
}

let authority: Authority;
let foreign: Authority;
let client: KeyPair;
let folder: string;
let kubeconfig: string;
const open: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  foreign = await createAuthority();
  client = await authority.client('north');
  folder = await mkdtemp(join(tmpdir(), 'sluice-diagnose-'));
  kubeconfig = join(folder, 'kubeconfig');
  // No API server: what the agent does in the cluster is not asked about here.
  const cluster = { server: `http://127.0.0.1:${await freePort()}` };
  const context = { cluster: 'none', user: 'nobody' };
  const named = { clusters: [{ name: 'none', cluster }], users: [{ name: 'nobody', user: {} }] };
  const contexts = [{ name: 'none', context }];
  await writeFile(
    kubeconfig,
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...named, contexts, 'current-context': 'none' }),
  );
});

afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

/** An agent, and its lines about the connection. */
async function agentOf(options: Partial<TestAgentOptions>) {
  const lines: Line[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
  const log = createLog({ name: 'agent', format: 'json', level: 'debug', destination });
  const { config, ...more } = options;
  const agent = await startAgent({
    server: '',
    kubeconfig,
    namespaces: ['shop'],
    credential: { account: 'north', ca: authority.certificate, ...client },
    log,
    ...more,
    config: { plaintext: false, reconnectMaxMs: 50, ...config },
  });
  open.push(agent);
  const status = async () =>
    (await (await fetch(`http://127.0.0.1:${agent.healthPort}/status`)).json()) as Record<string, string>;
  return {
    lines,
    status,
    warnings: () => lines.filter(({ msg, level }) => msg === 'cannot connect' && level === 'warn'),
  };
}

type Watched = Awaited<ReturnType<typeof agentOf>>;

/** Three attempts later than the first word about it. */
async function afterSeveral({ lines }: Watched): Promise<void> {
  await expect
    .poll(() => lines.filter(({ msg }) => msg === 'attempt failed').length, { timeout: 15_000, interval: 20 })
    .toBeGreaterThan(2);
}

async function expectOnce(watched: Watched, expected: { cause: string; code: string; message: RegExp; hint: RegExp }) {
  await expect.poll(() => watched.warnings().length, { timeout: 15_000, interval: 20 }).toBeGreaterThan(0);
  if (expected.cause !== 'auth' && expected.cause !== 'version') await afterSeveral(watched);
  const warnings = watched.warnings();
  expect(warnings).toHaveLength(1);
  const { cause, code, message, hint } = expected;
  expect(warnings[0]).toMatchObject({ cause, code, message: expect.stringMatching(message) as string });
  expect(warnings[0]!.hint).toMatch(hint);
  expect(warnings[0]!.next_retry_ms).toBeGreaterThanOrEqual(0);
  const status = await watched.status();
  expect(status).toMatchObject({ cause, hint: warnings[0]!.hint, lastError: warnings[0]!.message });
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return (server.address() as AddressInfo).port;
}

async function hubWith(pair: KeyPair, port?: number): Promise<SmallHub> {
  const keys = { cert_chain: Buffer.from(pair.certificate), private_key: Buffer.from(pair.key) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.certificate), [keys], true);
  const hub = await new SmallHub({ credentials, ...(port !== undefined && { port }) }).listen();
  open.push(hub);
  return hub;
}

describe('each cause is told once, with what to do, whatever the number of attempts', () => {
  test('a name that no DNS knows', async () => {
    await expectOnce(await agentOf({ server: 'orchestrator.sluice.invalid:8443' }), {
      cause: 'dns',
      code: 'NOT_FOUND',
      message: /No DNS server knows the name orchestrator\.sluice\.invalid/,
      hint: /Correct the name/,
    });
  });

  test('a port where nothing listens', async () => {
    const port = await freePort();
    await expectOnce(await agentOf({ server: `127.0.0.1:${port}` }), {
      cause: 'tcp',
      code: 'REFUSED',
      message: new RegExp(`127\\.0\\.0\\.1:${port} refuses the connection`),
      hint: /look whether the orchestrator runs/,
    });
  });

  test('an HTTP server, spoken to with TLS', async () => {
    const port = await listening(createHttp((_request, response) => response.end('hello')));
    await expectOnce(await agentOf({ server: `127.0.0.1:${port}` }), {
      cause: 'tls',
      code: 'NO_TLS',
      message: /does not speak TLS/,
      hint: /the port for agents, not the API's/,
    });
  });

  test('an HTTP server, spoken to without TLS', async () => {
    const port = await listening(createHttp((_request, response) => response.end('hello')));
    const credential = { account: 'north', token: 'secret-token' };
    await expectOnce(await agentOf({ server: `127.0.0.1:${port}`, credential, config: { plaintext: true } }), {
      cause: 'http',
      code: 'NO_HTTP2',
      message: /does not speak HTTP\/2/,
      hint: /the port for agents/,
    });
  });

  test('an HTTP/2 server that knows no gRPC, as an Ingress is', async () => {
    const { certificate: cert, key } = await authority.server(['127.0.0.1']);
    const port = await listening(
      createSecureServer({ cert, key }, (_request, response) => {
        response.writeHead(503, { 'content-type': 'text/html' });
        response.end('no backend');
      }),
    );
    await expectOnce(await agentOf({ server: `127.0.0.1:${port}` }), {
      cause: 'http',
      code: 'NO_GRPC',
      message: /no gRPC: it answered 503 text\/html/,
      hint: /Ingress/,
    });
  });

  test('a certificate of another CA: subject, issuer and dates are told', async () => {
    const hub = await hubWith(await foreign.server(['127.0.0.1']));
    await expectOnce(await agentOf({ server: `127.0.0.1:${hub.port}` }), {
      cause: 'tls',
      code: 'UNKNOWN_CA',
      message:
        /"CN=127\.0\.0\.1" for IP Address:127\.0\.0\.1, issued by "CN=sluice-test-cluster", valid from \d{4}-.*Z to \d{4}-.*Z: it was not signed by the CA in the agent's credential/,
      hint: /sluice agents add NAME/,
    });
  });

  test('an expired certificate, with the time here', async () => {
    const old = await createAuthority(new Date(Date.now() - 60 * DAY_MS));
    const hub = await hubWith(await old.server(['127.0.0.1']));
    const credential = { account: 'north', ca: old.certificate, ...client };
    await expectOnce(await agentOf({ server: `127.0.0.1:${hub.port}`, credential }), {
      cause: 'tls',
      code: 'EXPIRED',
      message: /it is expired \(the clock here says \d{4}-/,
      hint: /Renew it/,
    });
  });

  test('a certificate that is not valid yet', async () => {
    const ahead = await createAuthority(new Date(Date.now() + 60 * DAY_MS));
    const hub = await hubWith(await ahead.server(['127.0.0.1']));
    const credential = { account: 'north', ca: ahead.certificate, ...client };
    await expectOnce(await agentOf({ server: `127.0.0.1:${hub.port}`, credential }), {
      cause: 'tls',
      code: 'NOT_YET_VALID',
      message: /not valid yet \(the clock here says/,
      hint: /clock is behind/,
    });
  });

  test('a certificate for another name', async () => {
    const hub = await hubWith(await authority.server(['orchestrator.example']));
    await expectOnce(await agentOf({ server: `127.0.0.1:${hub.port}` }), {
      cause: 'tls',
      code: 'WRONG_NAME',
      message: /it is not for 127\.0\.0\.1, only for DNS:orchestrator\.example/,
      hint: /SLUICE_SERVER_NAME/,
    });
  });

  test("a client certificate that the orchestrator's CA did not sign", async () => {
    const hub = await hubWith(await authority.server(['127.0.0.1']));
    const credential = { account: 'north', ca: authority.certificate, ...(await foreign.client('north')) };
    await expectOnce(await agentOf({ server: `127.0.0.1:${hub.port}`, credential }), {
      cause: 'tls',
      code: 'CLIENT_REFUSED',
      message: /does not take the agent's certificate "CN=north"/,
      hint: /sluice agents add NAME/,
    });
    expect(hub.hellos).toHaveLength(0);
  });

  test('a proxy that wants a user, and its password is not in the log', async () => {
    await using proxy = await startConnectProxy({}, 'me:right');
    const settings = readProxy({ HTTPS_PROXY: `http://me:planted-password@127.0.0.1:${proxy.port}` });
    process.env['grpc_proxy'] = settings!.url.href;
    const watched = await agentOf({ server: 'orchestrator.sluice.invalid:8443', config: { proxy: settings } });
    await expectOnce(watched, {
      cause: 'proxy',
      code: 'PROXY_AUTH',
      message: /wants a user and a password/,
      hint: /USER:PASSWORD@HOST:PORT/,
    });
    delete process.env['grpc_proxy'];
    expect(JSON.stringify(watched.lines)).not.toContain('planted-password');
  });

  test('a proxy that is not there', async () => {
    const port = await freePort();
    const settings = readProxy({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
    process.env['grpc_proxy'] = settings!.url.href;
    await expectOnce(await agentOf({ server: 'orchestrator.sluice.invalid:8443', config: { proxy: settings } }), {
      cause: 'proxy',
      code: 'PROXY_UNREACHABLE',
      message: new RegExp(`The proxy 127\\.0\\.0\\.1:${port} cannot be reached`),
      hint: /whether the proxy runs/,
    });
    delete process.env['grpc_proxy'];
  });
});

test('another cause is another line; and when it is over, how long it took, and how many attempts', async () => {
  const port = await freePort();
  const watched = await agentOf({ server: `127.0.0.1:${port}` });
  await afterSeveral(watched);
  const wrong = await hubWith(await foreign.server(['127.0.0.1']), port);
  await expect.poll(() => watched.warnings().length, { timeout: 15_000, interval: 20 }).toBe(2);
  open.splice(open.indexOf(wrong), 1);
  await wrong[Symbol.asyncDispose]();
  const right = await hubWith(await authority.server(['127.0.0.1']), port);
  await right.connected();
  expect(
    watched
      .warnings()
      .map(({ cause, code }) => `${cause} ${code}`)
      .slice(0, 2),
  ).toEqual(['tcp REFUSED', 'tls UNKNOWN_CA']);
  const started = watched.lines.find(({ msg }) => msg === 'session started')!;
  expect(started.attempts).toBeGreaterThan(4);
  expect(started.away_ms).toBeGreaterThan(0);
  expect(await watched.status()).toMatchObject({ cause: '', hint: '', lastError: '' });
});

test('an address that lets every packet fall is told while the first attempt still waits', async () => {
  await using hole = await startBlackHole();
  const watched = await agentOf({ server: `127.0.0.1:${hole.port}` });
  await expect.poll(() => watched.warnings().length, { timeout: 15_000, interval: 50 }).toBe(1);
  expect(watched.warnings()[0]).toMatchObject({ cause: 'tcp', code: 'TIMEOUT' });
  expect(await watched.status()).toMatchObject({ cause: 'tcp' });
});

describe('what does not answer is found within the time that is given', () => {
  const target = (port: number) => ({
    server: `127.0.0.1:${port}`,
    plaintext: false,
    proxy: undefined,
    ca: authority.certificate,
    ...client,
  });

  test('an address that lets every packet fall', async () => {
    await using hole = await startBlackHole();
    const found = await diagnoseConnection(target(hole.port), { timeoutMs: 500 });
    expect(found).toMatchObject({ cause: 'tcp', code: 'TIMEOUT' });
    expect(found!.detail).toContain(`127.0.0.1:${hole.port} does not answer`);
    expect(found!.hint).toMatch(/NetworkPolicies, firewalls/);
  });

  test('a listener that accepts and says nothing', async () => {
    const port = await listening(createServer());
    expect(await diagnoseConnection(target(port), { timeoutMs: 500 })).toMatchObject({ cause: 'tls', code: 'SILENT' });
    const clear = { ...target(port), plaintext: true };
    expect(await diagnoseConnection(clear, { timeoutMs: 500 })).toMatchObject({ cause: 'http', code: 'SILENT' });
  });

  test('a proxy that says nothing', async () => {
    const port = await listening(createServer());
    const proxy = readProxy({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
    const behind = { ...target(1), server: 'orchestrator.sluice.invalid:8443', proxy };
    expect(await diagnoseConnection(behind, { timeoutMs: 500 })).toMatchObject({
      cause: 'proxy',
      code: 'PROXY_SILENT',
    });
  });

  test('nothing is wrong with an orchestrator that is there, through a proxy and directly, and it hears of no session', async () => {
    const hub = await hubWith(await authority.server(['127.0.0.1', 'orchestrator.sluice.invalid']));
    expect(await diagnoseConnection(target(hub.port))).toBeUndefined();
    await using way = await startConnectProxy({ 'orchestrator.sluice.invalid': hub.port });
    const proxy = readProxy({ HTTPS_PROXY: `http://127.0.0.1:${way.port}` });
    const behind = { ...target(1), server: 'orchestrator.sluice.invalid:8443', proxy };
    expect(await diagnoseConnection(behind)).toBeUndefined();
    expect(hub.hellos).toHaveLength(0);
  });

  test('an HTTP/2 server in the clear is no orchestrator', async () => {
    const port = await listening(createHttp2((_request, response) => response.end()));
    const found = await diagnoseConnection({ ...target(port), plaintext: true });
    expect(found).toMatchObject({ cause: 'http', code: 'NO_GRPC' });
  });
});

/** A port whose kernel drops every SYN: its process never accepts, and the queue of those who wait is full. */
async function startBlackHole(): Promise<AsyncDisposable & { port: number }> {
  const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    require('fs').writeSync(1, String(this.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  })`;
  const child = spawn(node, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(printed.toString());
  const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await once(waiting[0]!, 'connect');
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
