/** The application that the older product was demonstrated with, its manifests unchanged, through an SMI canary. */

import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { neverPull } from '../cluster/mesh/install.ts';
import { type Load } from '../cluster/mesh/load.ts';
import { pauseFor, setWeight, untilApproved } from '../support/application.ts';
import { namesOf, pathOf, podsOf } from '../support/namespace-state.ts';
import { deploy, endOf, eventsOf, eventThat, told } from '../support/rollout-watch.ts';
import { REAL_DRAIN, startWorld, type Lane, type World } from '../support/world.ts';

const fixtures = join(import.meta.dirname, '../../../shared/fixtures/armory');
const namespace = 'borealis';
const app = 'potato-facts';
const root = 'potato-facts-external';

let world: World;
let lane: Lane;
let load: Load;

/** A deployment file of our own around manifests that are theirs, byte for byte. @param numbers what their names begin with */
async function write(version: string, numbers: string[], steps: unknown[]): Promise<string> {
  const folder = join(lane.orchestrator.folder, version);
  await mkdir(folder, { recursive: true });
  const names = (await readdir(fixtures)).filter((name) => numbers.some((number) => name.startsWith(`${number}-`)));
  expect(names).toHaveLength(numbers.length);
  for (const name of names) await cp(join(fixtures, name), join(folder, name));
  const file = {
    version: 'v1',
    kind: 'kubernetes',
    application: app,
    targets: { dev: { account: 'demo', namespace, strategy: 'rolling' } },
    manifests: names.map((path) => ({ path })),
    strategies: { rolling: { canary: { steps } } },
    trafficManagement: [{ targets: ['dev'], smi: [{ rootServiceName: root }] }],
  };
  await writeFile(join(folder, 'deploy.yaml'), stringify(file));
  return join(folder, 'deploy.yaml');
}

describe.runIf(existsSync(fixtures))('the older product’s demonstration application (needs ../shared/fixtures)', () => {
  beforeAll(async () => {
    // The program under their image's name; 9001 is where their pods are probed.
    const image = { name: 'index.docker.io/armory/potatofacts:v2', ports: [9001, 3001] };
    world = await startWorld({ namespaces: [namespace], images: [image] });
    await neverPull(world.cluster, namespace);
    lane = await world.startLane('demo', [namespace], REAL_DRAIN);
    load = await world.startLoad();
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('goes out, is promoted, and rolls back, with its autoscaler and its Services, and loses no request', async () => {
    const { orchestrator } = lane;
    const first = await deploy(orchestrator, await write('v1', ['30', '32', '33'], [setWeight(25)]));
    expect((await endOf(orchestrator, first)).state, told(await eventsOf(orchestrator, first))).toBe('succeeded');
    const url = `http://${root}.${namespace}:80/`;
    await load.startClient({ name: 'busy', mode: 'meshed', url, rate: 100 });
    await load.startClient({ name: 'unmeshed', mode: 'unmeshed', url, rate: 100 });
    await load.mark('begin');

    const steps = [setWeight(25), pauseFor(3), setWeight(50), pauseFor(3)];
    const second = await deploy(orchestrator, await write('v2', ['39a'], steps));
    expect((await endOf(orchestrator, second)).state, told(await eventsOf(orchestrator, second))).toBe('succeeded');
    const pods = await podsOf(world.kube, namespace, app);
    // The autoscaler of their first version asks for four; the manifest's three do not fight it.
    expect(pods.map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0]);
    const names = (await namesOf(world.kube, namespace)).filter((name) => !name.startsWith('ReplicaSet '));
    expect(names.toSorted()).toEqual(
      [
        `Deployment ${app}`,
        ...['facts-external', 'facts-internal', 'lies-external', 'lies-internal'].map(
          (name) => `Service potato-${name}`,
        ),
      ].toSorted(),
    );

    // Their first version again is a new version now: held at half, then stopped by a person.
    const third = await deploy(orchestrator, await write('v3', ['30'], [setWeight(50), untilApproved]));
    await eventThat(orchestrator, third, ({ kind }) => kind === 'approval.wanted');
    expect((await orchestrator.sluice(['abort', third])).code).toBe(0);
    expect((await endOf(orchestrator, third)).state, told(await eventsOf(orchestrator, third))).toBe('aborted');
    expect(await podsOf(world.kube, namespace, app)).toEqual(pods);
    expect(
      (await world.kube.get(pathOf('Service', namespace, root)))?.metadata.annotations?.['sluice.dev/restore'],
    ).toBe(undefined);

    await load.mark('end');
    const counted = Object.entries(await load.between('begin', 'end')).map(([client, { answered, failures }]) => ({
      client,
      isBusy: answered > 500,
      failures,
    }));
    expect(counted).toEqual([
      { client: 'busy', isBusy: true, failures: {} },
      { client: 'unmeshed', isBusy: true, failures: {} },
    ]);
  }, 300_000);
});
