/** From the start of the agent's process, in its pod and of its image, to the Welcome of the orchestrator. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../test/cluster/cluster.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { agentNamespace, agentReady, installAgent } from '../test/support/helm.ts';
import { agentProcess, startedMs } from './agent-process.ts';
import { rowOf, type Row } from './measure.ts';
import { startSmallOrchestrator } from './small-orchestrator.ts';

const starts = 10;
const targetMs = 500;

export async function start(): Promise<Row[]> {
  await using cluster = await startCluster();
  await installCrds(cluster.api);
  await using orchestrator = await startSmallOrchestrator([cluster.nodeAddress]);
  const { address } = await cluster.reverse(orchestrator.port);
  const credentialFile = join(orchestrator.folder, 'credential.json');
  writeFileSync(credentialFile, JSON.stringify(orchestrator.credential), { mode: 0o600 });
  await installAgent(cluster, { credentialFile, server: address, namespaces: ['bench'] });
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
