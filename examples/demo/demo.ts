/** The demo: v1, a canary that is promoted, one that rolls back, all under load; exit code 0 only if everything is as expected. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Orchestrator } from '../../test/support/harness.ts';
import { setup as keepCompiledCode } from '../../test/support/run/compile-cache.ts';
import { announce, readMissing } from './announce.ts';
import { writeImages } from './images.ts';
import { clientUrl, observedRun, rate } from './observed-run.ts';
import { faultsOf, reportOf, type Expected, type Observation } from './report.ts';
import { setStage, type Stage } from './stage.ts';
import { tableOf } from './table.ts';
import { Waits } from './waits.ts';

const usage = `npm run demo -- [--json FILE] [--keep]
  --json FILE              write the figures
  --keep                   leave everything running until Ctrl-C
With KUBECONFIG set, that cluster is used; what the demo makes in it is removed afterwards. Its nodes need the demo's images:
  --load-command COMMAND   takes an image archive to its nodes, such as 'kind load image-archive'
  --images FOLDER          only write the image archives there, to be loaded by hand
  SLUICE_DEMO_IMAGES       where the images were pushed, such as registry.example.com/sluice
  SLUICE_DEMO_PROMETHEUS   URL of a Prometheus that scrapes port 4191 of the pods (labels namespace, pod); default: one is started here`;

const promotion: Expected = { outcome: 'succeeded', weights: [0, 10, 25, 50, 100, 0] };
const rollback: Expected = { outcome: 'rolledBack', weights: [0, 10, 25, 0], faulty: 'v3' };

async function demo(
  stage: Stage,
  orchestrator: Orchestrator,
): Promise<{ promoted: Observation; rolledBack: Observation }> {
  const file = (version: string): string => join(stage.deployments, `deploy-${version}.yaml`);
  title('v1: the first deployment (about 3 s)');
  const { code } = await orchestrator.sluice(['deploy', '-f', file('v1'), '--watch'], { inherit: true });
  if (code !== 0) throw new Error(`The first deployment ended with exit code ${code}.`);
  await stage.load.startClient({ name: 'busy', mode: 'meshed', url: clientUrl, rate });
  await stage.load.startClient({ name: 'outside', mode: 'unmeshed', url: clientUrl, rate });
  console.log(`   Two clients send requests to ${clientUrl}, ${rate} a second each: one in the mesh, one outside it.`);
  await delay(2000);
  title('v2: through 10, 25 and 50 % to its promotion (about 35 s)');
  const promoted = await observedRun(stage, orchestrator, { file: file('v2'), stable: 'v1', canary: 'v2' });
  title('v3: fails at 25 % and rolls back automatically (about 20 s)');
  const rolledBack = await observedRun(stage, orchestrator, { file: file('v3'), stable: 'v2', canary: 'v3' });
  return { promoted, rolledBack };
}

function title(line: string): void {
  console.log(`\n== ${line}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      keep: { type: 'boolean' },
      'load-command': { type: 'string', default: '' },
      images: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const imagePrefix = setting('SLUICE_DEMO_IMAGES')?.replace(/\/+$/, '');
  if (values.images !== undefined) {
    console.log((await writeImages(values.images, imagePrefix)).join('\n'));
    return 0;
  }
  keepCompiledCode();
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupt.abort());
  const start = performance.now();
  const kubeconfig = setting('KUBECONFIG');
  const waits = new Waits({ isTerminal: process.stdout.isTTY, write: (text) => void process.stdout.write(text) });
  title('Sluice demo');
  for (const line of announce(kubeconfig === undefined ? await readMissing() : undefined)) waits.say(line);
  title('set up (about 10 s)');
  await using stage = await setStage({
    kubeconfig,
    imagePrefix,
    prometheus: setting('SLUICE_DEMO_PROMETHEUS'),
    loadCommand: values['load-command'].split(' ').filter((word) => word !== ''),
    waits,
    signal: interrupt.signal,
  });
  const { orchestrator } = stage;
  const { promoted, rolledBack } = await Promise.race([
    demo(stage, interruptible(orchestrator, interrupt.signal)),
    interrupted(interrupt.signal),
  ]);
  const seconds = Math.round((performance.now() - start) / 1000);
  const figures = { promoted: reportOf(promoted, promotion), rolledBack: reportOf(rolledBack, rollback), seconds };
  title('what the clients and the cluster saw');
  console.log(
    tableOf([
      { title: 'v2', seen: promoted, report: figures.promoted },
      { title: 'v3', seen: rolledBack, report: figures.rolledBack },
    ]),
  );
  const faults = [
    ...faultsOf(promoted, figures.promoted, promotion),
    ...faultsOf(rolledBack, figures.rolledBack, rollback),
  ];
  console.log(faults.length === 0 ? `\nEverything is as expected, after ${seconds} s.` : `\n${faults.join('\n')}`);
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(figures, null, 2) + '\n');
  if (values.keep === true) await keep(stage, orchestrator, interrupt.signal);
  return faults.length === 0 ? 0 : 1;
}

/** Empty is not set, as for kubectl. */
function setting(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** Its command lines end with the signal: a watch would else wait for an orchestrator that is not coming back. */
function interruptible(orchestrator: Orchestrator, signal: AbortSignal): Orchestrator {
  return { ...orchestrator, sluice: (args, options) => orchestrator.sluice(args, { ...options, signal }) };
}

/** Never resolves; a cluster of somebody else's is not ended by the signal, so what was made there must be removed. */
async function interrupted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new Error('Interrupted.');
}

async function keep(stage: Stage, orchestrator: Orchestrator, interrupt: AbortSignal): Promise<void> {
  console.log(`
It all runs on until Ctrl-C. In another terminal:
  export KUBECONFIG=${stage.kubeconfig} SLUICE_URL=${orchestrator.url}
  npm run sluice -- status`);
  if (!interrupt.aborted) await once(interrupt, 'abort');
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
