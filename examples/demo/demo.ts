/** The demo: v1, a canary that is promoted, one that rolls back, all under load; exit code 0 only if everything is as expected. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { requireLinuxAndRoot } from '../../test/cluster/cluster.ts';
import { linesOn, showDuration, showSeconds, type Progress } from '../../test/cluster/progress.ts';
import type { Orchestrator } from '../../test/support/harness.ts';
import { setup as keepCompiledCode } from '../../test/support/run/compile-cache.ts';
import { announce, secondsToPrepare } from './announce.ts';
import { imagePrograms, writeImages } from './images.ts';
import { clientUrl, observedRun, rate } from './observed-run.ts';
import { needsOf, prepare, readMissing } from './prepare.ts';
import { faultsOf, reportOf, type Expected, type Observation } from './report.ts';
import { setStage, type Stage } from './stage.ts';
import { tableOf } from './table.ts';

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

interface Observations {
  promoted: Observation;
  rolledBack: Observation;
}

/** @param orchestrator whose command lines end with the signal */
async function deployAll(
  stage: Stage,
  orchestrator: Orchestrator,
  progress: Progress,
  signal: AbortSignal,
): Promise<Observations> {
  const file = (version: string): string => join(stage.deployments, `deploy-${version}.yaml`);
  const observed = (stable: string, canary: string): Promise<Observation> =>
    observedRun(stage, orchestrator, { file: file(canary), stable, canary }, { progress, signal });
  await section(progress, 'v1: the first deployment', 5, async () => {
    const { code } = await orchestrator.sluice(['deploy', '-f', file('v1'), '--watch'], { inherit: true });
    if (code !== 0) throw new Error(`The first deployment ended with exit code ${code}.`);
    await stage.load.startClient({ name: 'busy', mode: 'meshed', url: clientUrl, rate });
    await stage.load.startClient({ name: 'outside', mode: 'unmeshed', url: clientUrl, rate });
    progress.say(`Two clients send ${rate} requests a second each to ${clientUrl}: one in the mesh, one outside it.`);
    await delay(2000, undefined, { signal });
  });
  const promoted = await section(progress, 'v2: 10, 25 and 50 % of the traffic, then promoted', 40, () =>
    observed('v1', 'v2'),
  );
  const rolledBack = await section(
    progress,
    'v3: answers one request in five with an error, rolled back at 25 %',
    22,
    () => observed('v2', 'v3'),
  );
  return { promoted, rolledBack };
}

/** Does `work` under a headline, with its expected and its actual time. */
async function section<T>(
  progress: Progress,
  name: string,
  expectedSeconds: number,
  work: () => Promise<T>,
): Promise<T> {
  title(`${name} (about ${showSeconds(expectedSeconds)})`);
  const startMs = performance.now();
  const result = await work();
  progress.say(`done after ${showDuration((performance.now() - startMs) / 1000)}`);
  return result;
}

function title(line: string): void {
  console.log(`\n== ${line}`);
}

const interrupt = new AbortController();

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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupt.abort());
  const start = performance.now();
  const { signal } = interrupt;
  const progress = linesOn(process.stdout, '   ');
  const how = {
    kubeconfig: setting('KUBECONFIG'),
    prometheus: setting('SLUICE_DEMO_PROMETHEUS'),
    loadCommand: values['load-command'].split(' ').filter((word) => word !== ''),
  };
  if (how.kubeconfig === undefined) requireLinuxAndRoot();
  title('Sluice demo');
  const needs = needsOf(how, imagePrograms);
  const missing = await readMissing(needs);
  for (const line of announce(missing, how.kubeconfig)) progress.say(line);
  const preparing = secondsToPrepare(missing);
  if (preparing > 0) await section(progress, 'install and build, once', preparing, () => prepare(needs, progress));
  signal.throwIfAborted();
  await using stage = await section(progress, 'setup', 10, () => setStage({ ...how, imagePrefix, progress, signal }));
  const { orchestrator } = stage;
  const { promoted, rolledBack } = await Promise.race([
    deployAll(stage, interruptible(orchestrator, signal), progress, signal),
    interrupted(signal),
  ]);
  const seconds = Math.round((performance.now() - start) / 1000);
  const { figures, faults } = showFigures(promoted, rolledBack, seconds);
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(figures, null, 2) + '\n');
  if (values.keep === true) await keep(stage, orchestrator, signal);
  console.log('');
  return faults.length === 0 ? 0 : 1;
}

/** Prints the table and the verdict. */
function showFigures(
  promoted: Observation,
  rolledBack: Observation,
  seconds: number,
): { figures: object; faults: string[] } {
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
  return { figures, faults };
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
Everything keeps running until Ctrl-C. In another terminal:
  export KUBECONFIG=${stage.kubeconfig} SLUICE_URL=${orchestrator.url}
  npm run sluice -- status`);
  if (!interrupt.aborted) await once(interrupt, 'abort');
}

try {
  process.exitCode = await main();
} catch (error) {
  if (interrupt.signal.aborted) console.error('Interrupted.');
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
