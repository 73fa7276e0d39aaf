import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { measurePrometheus } from '../../../src/orchestrator/analysis/prometheus.ts';
import { ProviderLog } from '../../../src/orchestrator/analysis/provider-log.ts';
import { createLog } from '../../../src/shared/log.ts';

test('a provider that stops answering is told once for each cause, and when it answers again; its password never', async () => {
  const lines: Record<string, string>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, string>) };
  const log = new ProviderLog(createLog({ name: 'test', format: 'json', level: 'debug', destination }));
  let answer = { status: 401, text: '<html>planted-secret</html>' };
  const server = createServer((_request, response) =>
    response.writeHead(answer.status, { connection: 'close' }).end(answer.text),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const provider = { name: 'prom', url: `http://me:planted-password@127.0.0.1:${port}` };
  const measure = () => measurePrometheus(provider, 'up', 0, (silence) => log.heard('prom', silence));

  const refused = [await measure(), await measure()];
  expect(refused[1]).toEqual({
    kind: 'noData',
    reason: `prom at http://127.0.0.1:${port} does not answer (it answered 401 Unauthorized and no JSON)`,
  });
  answer = { status: 200, text: '{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}' };
  expect(await measure()).toEqual({ kind: 'value', value: 1 });
  // An error of its own is an answer.
  answer = { status: 400, text: '{"status":"error","error":"parse error"}' };
  expect(await measure()).toEqual({ kind: 'noData', reason: 'prom refused the query: parse error' });
  await new Promise((resolve) => server.close(resolve));
  await measure();
  await measure();

  expect(lines.map(({ level, msg, code }) => [level, msg, code])).toEqual([
    ['warn', 'metric provider does not answer', 'HTTP'],
    ['debug', 'metric provider does not answer', 'HTTP'],
    ['info', 'metric provider answers again', undefined],
    ['warn', 'metric provider does not answer', 'ECONNREFUSED'],
    ['debug', 'metric provider does not answer', 'ECONNREFUSED'],
  ]);
  expect(lines[0]).toMatchObject({
    host: `http://127.0.0.1:${port}`,
    hint: expect.stringContaining('user and password') as string,
  });
  expect(JSON.stringify(lines)).not.toContain('planted');
});
