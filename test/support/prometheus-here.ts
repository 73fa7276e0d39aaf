/** A real Prometheus on loopback that scrapes programs of this test, with the charts' alert rules loaded. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ensurePackages } from '../cluster/packages.ts';
import { repository } from './child.ts';
import { freePort } from './free-port.ts';

interface Answer {
  status: string;
  error?: string;
  data: unknown;
}

export interface PrometheusHere extends AsyncDisposable {
  /** Values of an instant query, by their labels as JSON. */
  query(promql: string): Promise<{ labels: Record<string, string>; value: number }[]>;
  /** Alert rules, with their health after an evaluation. */
  rules(): Promise<{ name: string; health: string; state: string; lastError?: string }[]>;
}

/** @param folder of a scratch, which ends it should this process be killed. @param targets host:port by job. */
export async function startPrometheusHere(folder: string, targets: Record<string, string>): Promise<PrometheusHere> {
  await ensurePackages(['prometheus']);
  const config = join(folder, 'prometheus.yml');
  const scrapes = Object.entries(targets).map(([job, target]) => ({
    job_name: job,
    static_configs: [{ targets: [target] }],
  }));
  const rules = ['agent', 'orchestrator'].map((part) => join(repository, `helm/${part}/files/alerts.yaml`));
  const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  writeFileSync(config, stringify({ global, rule_files: rules, scrape_configs: scrapes }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  writeFileSync(join(folder, 'prometheus.pid'), String(child.pid));
  const exit = once(child, 'exit');
  const ready = Promise.withResolvers<void>();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('Server is ready')) ready.resolve();
  });
  void exit.then(() => ready.reject(new Error(`Prometheus did not start: ${said.slice(-2000)}`)));
  await ready.promise;
  const ask = async (path: string): Promise<unknown> => {
    const { error, data } = (await (await fetch(url + path)).json()) as Answer;
    if (error !== undefined) throw new Error(`Prometheus refused ${path}: ${error}`);
    return data;
  };
  return {
    async query(promql) {
      const data = await ask(`/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`);
      const { result } = data as { result: { metric: Record<string, string>; value: [number, string] }[] };
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async rules() {
      const { groups } = (await ask('/api/v1/rules')) as { groups: { rules: [] }[] };
      return groups.flatMap(({ rules }) => rules);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
