/** From the start of the agent's process, in its pod and of its image, to the Welcome of the orchestrator. */

import { agentNamespace, agentReady } from '../test/support/helm.ts';
import { agentProcess, startInstalledAgent, startedMs } from './agent-process.ts';
import { rowOf, type Row } from './measure.ts';

const starts = 10;
const targetMs = 500;

export async function start(): Promise<Row[]> {
  await using installed = await startInstalledAgent('bench');
  const { cluster } = installed;
  const inNamespace = ['-n', agentNamespace];
  const samples: number[] = [];
  for (let count = 0; count < starts; count++) {
    await cluster.kubectl([...inNamespace, 'delete', 'pod', '--all', '--wait']);
    await agentReady(cluster);
    const log = await cluster.kubectl([...inNamespace, 'logs', 'deployment/sluice-agent']);
    const line = log.split('\n').find((each) => each.includes('"session started"'));
    if (line === undefined) throw new Error(`The agent is ready and has no session:\n${log}`);
    samples.push(Date.parse((JSON.parse(line) as { time: string }).time) - startedMs(agentProcess()));
  }
  return [rowOf('start', "the agent's process started to Welcome", samples, targetMs)];
}
