/** What is wrong is refused before anything is changed, with a message that names file, line or object. */

import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  serviceOf,
  setWeight,
  untilApproved,
  writeApplication,
  type ApplicationOptions,
} from '../support/application.ts';
import { pathOf, versionsOf } from '../support/namespace-state.ts';
import { deploy, endOf, eventsOf, eventThat, told } from '../support/rollout-watch.ts';
import { appImageName } from '../support/shared-cluster.ts';
import { startWorld, type Lane, type World } from '../support/world.ts';

const namespace = 'bad-input';
const app = 'web';

let world: World;
let lane: Lane;
let options: ApplicationOptions;

beforeAll(async () => {
  world = await startWorld({ namespaces: [namespace] });
  lane = await world.startLane('east', [namespace]);
  options = { name: app, account: 'east', namespace, image: appImageName, version: 'v1', steps: [setWeight(10)] };
  const id = await deploy(lane.orchestrator, await writeApplication(lane.orchestrator.folder, options));
  expect((await endOf(lane.orchestrator, id)).state, told(await eventsOf(lane.orchestrator, id))).toBe('succeeded');
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

/** Ships a change of the application; the file may be edited before. */
async function write(more: Partial<ApplicationOptions>, edit = (text: string): string => text): Promise<string> {
  const file = await writeApplication(lane.orchestrator.folder, { ...options, version: 'v2', ...more });
  await writeFile(file, edit(await readFile(file, 'utf8')));
  return file;
}

async function unchanged(act: () => Promise<void>): Promise<void> {
  const before = await versionsOf(world.kube, namespace);
  await act();
  expect(await versionsOf(world.kube, namespace)).toEqual(before);
}

describe('a file that cannot be right is refused with its line, by the CLI, with exit code 2', () => {
  it.each([
    [
      'an unknown field',
      (text: string) => text.replace('application:', 'aplication:'),
      /deploy\.yaml:\d+:\d+: .*aplication/,
    ],
    [
      'weight 101',
      (text: string) => text.replace('weight: 10', 'weight: 101'),
      /deploy\.yaml:\d+:\d+: .*101|deploy\.yaml:\d+:\d+: .*100/,
    ],
    [
      'a wrong shape and a wrong name, both at once',
      (text: string) => text.replace('weight: 10', 'weight: 101').replace(/strategy: .*/, 'strategy: nowhere'),
      /deploy\.yaml:\d+:\d+: there is no strategy nowhere[^]*deploy\.yaml:\d+:\d+: weight must be 0 to 100/,
    ],
    [
      'a manifest that is not there',
      (text: string) => text.replace('app.yaml', 'gone.yaml'),
      /deploy\.yaml:\d+:\d+: .*gone\.yaml/,
    ],
    [
      'what is not supported yet',
      (text: string) => text.replace('smi:', 'istio:'),
      /deploy\.yaml:\d+:\d+: not supported yet: trafficManagement\.istio/,
    ],
  ])('%s', async (_name, edit, message) => {
    await unchanged(async () => {
      const file = await write({}, edit);
      for (const command of ['validate', 'deploy']) {
        const { code, stdout, stderr } = await lane.orchestrator.sluice([command, '-f', file]);
        expect(stdout + stderr).toMatch(message);
        expect(code).toBe(2);
      }
    });
  });

  it('no agent for the account', async () => {
    await unchanged(async () => {
      const { code, stdout, stderr } = await lane.orchestrator.sluice([
        'deploy',
        '-f',
        await write({ account: 'west' }),
      ]);
      expect(stdout + stderr).toMatch(/west/);
      expect(stdout + stderr).toMatch(/east/);
      expect(code).not.toBe(0);
    });
  });
});

describe('what only the cluster knows is refused by the run, before it changes anything', () => {
  async function refused(file: string, message: RegExp): Promise<void> {
    await unchanged(async () => {
      const id = await deploy(lane.orchestrator, file);
      const end = await endOf(lane.orchestrator, id);
      const problems = (await eventsOf(lane.orchestrator, id)).filter(({ kind }) => kind === 'problem');
      expect(problems.map((problem) => problem.message).join('\n')).toMatch(message);
      expect(end.state).toBe('failed');
      expect(end.reason).toMatch(/nothing was changed/);
    });
  }

  it('a missing root Service', async () => {
    const file = await write({ smi: { rootServiceName: 'nowhere' } });
    await refused(file, /Service nowhere: the root Service is not in namespace bad-input/);
  });

  it('a headless root', async () => {
    await world.cluster.apply({
      ...serviceOf({ name: 'headless', namespace }),
      spec: { clusterIP: 'None', selector: { app }, ports: [{ port: 80 }] },
    });
    await refused(
      await write({ smi: { rootServiceName: 'headless' } }),
      /Service headless: a headless Service cannot be split \(clusterIP: None\)/,
    );
  });

  it('a root whose selector matches nothing', async () => {
    await world.cluster.apply({
      ...serviceOf({ name: 'astray', namespace }),
      spec: { selector: { app: 'other' }, ports: [{ port: 80 }] },
    });
    await refused(
      await write({ smi: { rootServiceName: 'astray' } }),
      /Service astray: its selector app=other matches no pod/,
    );
  });

  it("a TrafficSplit of somebody else's on the same root", async () => {
    const split = {
      apiVersion: 'split.smi-spec.io/v1alpha2',
      kind: 'TrafficSplit',
      metadata: { name: 'theirs', namespace },
      spec: { service: app, backends: [{ service: app, weight: 1 }] },
    };
    await world.cluster.apply(split);
    await world.cluster.kubectl([
      '-n',
      namespace,
      'wait',
      '--for=create',
      'serviceprofiles',
      `${app}.${namespace}.svc.cluster.local`,
    ]);
    await refused(await write({}), /TrafficSplit theirs: somebody else already splits web/);
    await world.cluster.kubectl(['-n', namespace, 'delete', 'trafficsplits', 'theirs']);
    await world.cluster.kubectl(['-n', namespace, 'delete', 'serviceprofiles', '--all']);
  });
});

it('an image that never comes is rolled back with its name, and leaves everything as it was', async () => {
  const deployment = pathOf('Deployment', namespace, app);
  const before = (await world.kube.get(deployment))?.['spec'];
  const id = await deploy(lane.orchestrator, await write({ image: 'sluice.test/none:v9' }));
  const end = await endOf(lane.orchestrator, id);
  expect(end.state).toBe('rolledBack');
  expect(end.reason).toMatch(/ImagePullBackOff|ErrImagePull/);
  expect(end.reason).toMatch(/sluice\.test\/none:v9/);
  expect((await world.kube.get(deployment))?.['spec']).toEqual(before);
});

it('a second deployment of an application that is under way is refused, and names the first', async () => {
  const first = await deploy(lane.orchestrator, await write({ steps: [setWeight(10), untilApproved] }));
  await eventThat(lane.orchestrator, first, ({ kind }) => kind === 'approval.wanted');
  const { code, stdout, stderr } = await lane.orchestrator.sluice(['deploy', '-f', await write({ version: 'v3' })]);
  expect(stdout + stderr).toContain(first);
  expect(code).toBe(3);
  expect((await lane.orchestrator.sluice(['abort', first])).code).toBe(0);
  expect((await endOf(lane.orchestrator, first)).state).toBe('aborted');
});
