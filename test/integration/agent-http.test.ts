import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { HttpSpec, ResultValue } from '../../src/protocol/operation.ts';

let plane: ControlPlane;
const open: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
});

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

afterAll(async () => plane?.stop());

/** A server on loopback, as the webhook or the proxy that is asked. */
async function serve(listener: RequestListener): Promise<{ port: number }> {
  const server: Server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push({
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
  return { port: (server.address() as AddressInfo).port };
}

async function connect(policy: { http?: string[]; scrapePorts?: number[] }): Promise<SmallHub> {
  const hub = await new SmallHub().listen();
  open.push({ stop: () => hub[Symbol.asyncDispose]() });
  open.push(
    await startAgent({ server: `127.0.0.1:${hub.port}`, kubeconfig: plane.kubeconfig, namespaces: ['shop'], policy }),
  );
  await hub.connected();
  return hub;
}

const get = (url: string, more: Partial<HttpSpec> = {}): HttpSpec => ({
  kind: 'http',
  method: 'GET',
  url,
  headers: {},
  timeoutMs: 5000,
  ...more,
});

describe('http', () => {
  test('a webhook gets method, headers and body, and its answer comes back whole', async () => {
    const { port } = await serve((request, response) => {
      void (async () => {
        let body = '';
        for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
        response
          .writeHead(409, { 'x-answer': 'yes' })
          .end(`${request.method} ${String(request.headers['x-run'])} ${body}`);
      })();
    });
    const url = `http://127.0.0.1:${port}/hook`;
    const hub = await connect({ http: [url] });
    const value = await hub.value('shop', get(url, { method: 'POST', headers: { 'x-run': '7' }, body: 'grüß' }));
    expect(value).toMatchObject({ status: 409, body: 'POST 7 grüß', headers: { 'x-answer': 'yes' } });
  });

  test('a request that an agent before may have made is not made twice, unless that changes nothing', async () => {
    const seen: string[] = [];
    const { port } = await serve((request, response) => {
      seen.push(`${request.method} ${String(request.headers['idempotency-key'])}`);
      response.end('ok');
    });
    const url = `http://127.0.0.1:${port}/`;
    const hub = await connect({ http: [url] });
    const post = hub.operation('shop', get(url, { method: 'POST' }));
    hub.deliver(post, hub.epoch, true);
    expect(await hub.result(post.id)).toMatchObject({ code: 'PRECONDITION' });
    const read = hub.operation('shop', get(url));
    hub.deliver(read, hub.epoch, true);
    expect(await hub.result(read.id)).toMatchObject({ code: 'OK' });
    expect(seen).toEqual([`GET ${read.id}`]);
  });

  test('a redirect is an answer, never followed', async () => {
    let elsewhere = 0;
    const other = await serve((_request, response) => response.end(String((elsewhere += 1))));
    const { port } = await serve((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${other.port}/` }).end(),
    );
    const hub = await connect({ http: [`http://127.0.0.1:${port}`, `http://127.0.0.1:${other.port}`] });
    const value = await hub.value<ResultValue['http']>('shop', get(`http://127.0.0.1:${port}/`));
    expect(value.status).toBe(302);
    expect(value.headers['location']).toContain(String(other.port));
    expect(elsewhere).toBe(0);
  });

  test('an answer that is too large, too slow, or none at all ends by its name', async () => {
    const { port } = await serve((request, response) => {
      if (request.url === '/large') response.end('x'.repeat(1000));
      // What is slow begins at once and never ends.
      else response.write('x');
    });
    const base = `http://127.0.0.1:${port}`;
    const hub = await connect({ http: [base, 'http://127.0.0.1:1', 'http://no-such-name.sluice.test'] });
    expect(await hub.run('shop', get(`${base}/large`, { maxBytes: 999 }))).toMatchObject({ code: 'TOO_LARGE' });
    expect(await hub.run('shop', get(`${base}/slow`, { timeoutMs: 200 }))).toMatchObject({ code: 'TIMEOUT' });
    expect(await hub.run('shop', get('http://127.0.0.1:1/'))).toMatchObject({ code: 'UNAVAILABLE' });
    const unknown = await hub.run('shop', get('http://no-such-name.sluice.test/'));
    expect(unknown).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('link-local addresses, and names that lead to the agent itself, are refused though the list has them', async () => {
    const { port } = await serve((_request, response) => response.end('secret'));
    const hub = await connect({
      http: [
        'http://169.254.169.254',
        'http://[fe80::1]',
        `http://localhost:${port}`,
        'http://[::ffff:169.254.169.254]',
      ],
    });
    for (const url of [
      'http://169.254.169.254/latest/meta-data',
      'http://[fe80::1]/',
      `http://localhost:${port}/`,
      'http://[::ffff:169.254.169.254]/',
    ]) {
      expect(await hub.run('shop', get(url)), url).toMatchObject({ state: 'rejected', code: 'POLICY' });
    }
  });

  test('the host cannot be forged', async () => {
    const hub = await connect({ http: ['http://127.0.0.1:1'] });
    const result = await hub.run('shop', get('http://127.0.0.1:1/', { headers: { Host: 'elsewhere' } }));
    expect(result).toMatchObject({ code: 'INVALID' });
  });
});

describe('scrape', () => {
  async function makePod(name: string, hash: string, podIP: string, ready: 'True' | 'False' = 'True'): Promise<void> {
    const path = '/api/v1/namespaces/shop/pods';
    const labels = { app: 'web', 'pod-template-hash': hash };
    const spec = { serviceAccountName: 'somebody', containers: [{ name: 'web', image: 'none' }] };
    const made = await plane.api.call('POST', path, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec,
    });
    expect(made.status).toBe(201);
    const conditions = [{ type: 'Ready', status: ready }];
    const status = { podIP, podIPs: [{ ip: podIP }], phase: 'Running', conditions };
    const told = await plane.api.call('PUT', `${path}/${name}/status`, { ...(made.body as object), status });
    expect(told.status).toBe(200);
  }

  test('the wanted metrics of each ready pod come with its hash; one that does not answer is told, the others all the same', async () => {
    const { port } = await serve((request, response) => {
      if (request.url !== '/metrics') response.writeHead(404).end();
      else response.end('# TYPE a counter\na{x="1"} 5\nab 9\nb_bucket{le="1"} 2\nc 3\na 7');
    });
    await makePod('good', 'h1', '127.0.0.1');
    await makePod('silent', 'h2', '127.0.0.2');
    await makePod('unready', 'h2', '127.0.0.1', 'False');
    const hub = await connect({ scrapePorts: [port] });
    const { pods } = await hub.value<ResultValue['scrape']>('shop', {
      kind: 'scrape',
      namespace: 'shop',
      labelSelector: 'app=web',
      port,
      path: '/metrics',
      metrics: ['a', 'b_bucket'],
    });
    const byName = new Map(pods.map((pod) => [pod.pod, pod]));
    expect(byName.get('good')).toEqual({
      pod: 'good',
      hash: 'h1',
      text: 'a{x="1"} 5\nb_bucket{le="1"} 2\na 7',
      error: '',
    });
    expect(byName.get('silent')).toMatchObject({ text: '', error: expect.stringContaining('pod silent') });
    expect(byName.size).toBe(2);
  });
});
