import { DEFAULT_GUARD } from '../../../src/orchestrator/file/resolve-guard.ts';
import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { measurePrometheus } from '../../../src/orchestrator/analysis/prometheus.ts';
import { metricsProblems } from '../../../src/orchestrator/engine/run/probe-metrics.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import type { AnalysisQuery, ResolvedTarget } from '../../../src/orchestrator/file/resolved.ts';
import { freePort } from '../../support/free-port.ts';
import { identity, runWorld } from '../../support/run-world.ts';

function target(queries: AnalysisQuery[]): ResolvedTarget {
  const step = {
    kind: 'analysis' as const,
    queries,
    intervalMs: 1_000,
    runs: 1,
    rollBackMode: 'automatic' as const,
    rollForwardMode: 'automatic' as const,
    lookback: 'unset' as const,
    abortOnFailedJudgment: false,
    context: {},
  };
  return {
    name: 'staging',
    account: 'east',
    namespace: 'shop',
    dependsOn: [],
    objects: [],
    strategy: { name: 's', steps: [step] },
    smi: [],
    readyTimeoutMs: 1,
    guard: DEFAULT_GUARD,
  };
}

/** A provider at a URL, asked for real. */
function runWith(url: string): { run: Run; asked: string[] } {
  const world = runWorld();
  const asked: string[] = [];
  const metrics = {
    providers: ['prom'],
    measure: (name: string, query: string, atMs: number) => {
      asked.push(query);
      return measurePrometheus({ name, url }, query, atMs);
    },
  };
  return { run: new Run({ ...world.ports, metrics }, identity), asked };
}

const query = (name: string): AnalysisQuery => ({ name, template: 'up', upperLimit: 1 });

it('a provider that does not answer is a problem that names it, its address, the cause and what to do, and no secret', async () => {
  const port = await freePort();
  const { run } = runWith(`http://ann:hunter2@127.0.0.1:${port}/prometheus`);
  const problems = await metricsProblems(run, target([query('errors'), query('latency')]));
  expect(problems).toHaveLength(1);
  const [problem] = problems;
  expect(problem).toMatchObject({ code: 'METRICS_UNREACHABLE', object: 'metric provider prom' });
  expect(problem?.message).toContain(`prom at http://127.0.0.1:${port} does not answer`);
  expect(problem?.message).toContain("bring it up, or correct the orchestrator's --metric-provider prom=URL");
  expect(problem?.message).toContain('analysis of errors, latency');
  expect(JSON.stringify(problem)).not.toContain('hunter');
});

it('one that answers is asked one cheap thing, whatever the analysis will find, by the user of its URL', async () => {
  const users: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    users.push(request.headers.authorization);
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [{ value: [0, '1'] }] } }));
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { run, asked } = runWith(`http://ann:hunter2@127.0.0.1:${port}`);
  expect(await metricsProblems(run, target([query('errors'), query('latency')]))).toEqual([]);
  expect(users).toEqual([`Basic ${Buffer.from('ann:hunter2').toString('base64')}`]);
  expect(asked).toEqual(['vector(1)']);
});

it('a target without analysis asks nobody', async () => {
  const { run, asked } = runWith('http://127.0.0.1:9');
  expect(await metricsProblems(run, { ...target([]), strategy: { name: 's', steps: [] } })).toEqual([]);
  expect(asked).toEqual([]);
});
