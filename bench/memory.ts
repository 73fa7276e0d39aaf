/** Resident memory of the agent as it ships: its image, its chart, its limits; connected, with nothing and with much to look at. */

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { agentProcess, startInstalledAgent } from './agent-process.ts';
import { rowOf, type Row } from './measure.ts';
import { memoryWithPods } from './memory-pods.ts';

const namespace = 'bench';
const workloads = 500;
const targetMiB = 95;

export async function memory(): Promise<Row[]> {
  return [...(await inCluster()), ...(await memoryWithPods())];
}

async function inCluster(): Promise<Row[]> {
  await using installed = await startInstalledAgent(namespace);
  const { cluster, orchestrator } = installed;
  const idle = await sampleMiB(30);
  await cluster.apply(objects());
  for (let each = 1; each <= workloads; each++) {
    const deployment = nameOf(each);
    const nothing = { routes: [], profiles: [], jobs: [] };
    orchestrator.hub.watch('bench', { id: deployment, namespace, deployment, services: [deployment], ...nothing });
  }
  await everyWatchComplete((id) => orchestrator.hub.latest(id)?.complete === true);
  const watching = await sampleMiB(30);
  return [
    rowOf('memory', 'bundled agent, idle', idle, targetMiB, 'MiB'),
    rowOf('memory', `bundled agent, ${workloads} workloads watched`, watching, targetMiB, 'MiB'),
  ];
}

function nameOf(number: number): string {
  return `workload-${number}`;
}

/** Deployments of no pods, each with its Service. */
function objects(): object[] {
  return Array.from({ length: workloads }, (_, index) => nameOf(index + 1)).flatMap((name) => {
    const labels = { app: name };
    const containers = [{ name: 'app', image: 'sluice.test/app:1' }];
    return [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace },
        spec: { selector: labels, ports: [{ port: 80 }] },
      },
    ];
  });
}

async function everyWatchComplete(isComplete: (id: string) => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (let each = 1; each <= workloads; each++) {
    while (!isComplete(nameOf(each))) {
      if (performance.now() > deadline) throw new Error(`No complete snapshot of ${nameOf(each)} within a minute.`);
      await delay(50);
    }
  }
}

/** One sample a second of the agent's process in the cluster. */
async function sampleMiB(seconds: number): Promise<number[]> {
  const status = `/proc/${agentProcess()}/status`;
  const samples: number[] = [];
  for (let second = 0; second < seconds; second++) {
    await delay(1000);
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1];
    samples.push(Number(kilobytes) / 1024);
  }
  return samples;
}
