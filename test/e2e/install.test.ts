/** Both charts as a user installs them, with real Helm, images, Roles and Pod Security; a canary through an upgrade and its rollback; and nothing left behind. */

import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { silentLog } from '../../src/shared/log.ts';
import { startEmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { setWeight, untilApproved, writeApplication, type ApplicationOptions } from '../support/application.ts';
import { agentNamespace, agentReady, agentValues, chart, enrolAgent, helm, set } from '../support/helm.ts';
import { agentImageName } from '../support/images.ts';
import {
  installOrchestrator,
  orchestratorNamespace,
  orchestratorValues,
  persistentVolume,
  restricted,
  type OrchestratorPod,
} from '../support/orchestrator-pod.ts';
import { startMeshCluster } from '../support/mesh-cluster.ts';
import { makeScratch } from '../support/scratch.ts';

const namespace = 'shop';
const image = 'sluice.test/app:v1';

const cleanUp = new AsyncDisposableStack();
let cluster: Cluster;
let orchestrator: OrchestratorPod;
let folder: string;
/** What there was of each namespace, and outside of them, before anything was installed. */
let before: string[];

beforeAll(async () => {
  folder = cleanUp.use(makeScratch('install')).folder;
  cluster = cleanUp.use(await startMeshCluster([image]));
  await cluster.apply([agentNamespace, orchestratorNamespace].map(restricted));
  for (const name of [namespace, 'forbidden']) await cluster.kubectl(['create', 'namespace', name]);
  before = await everything();
  orchestrator = await installOrchestrator(cluster);
  const what = ['--namespaces', namespace, '--image', agentImageName.repository];
  await enrolAgent(cluster, `${(await sluice('agents', 'add', 'east', ...what)).trim()} --set replicaCount=2`);
}, 600_000);

afterAll(async () => cleanUp.disposeAsync());

/** @throws with what the command line said, if its exit code is another than 0. */
async function sluice(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await orchestrator.sluice(args);
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

function application(version: string, more: Partial<ApplicationOptions> = {}): Promise<string> {
  return writeApplication(folder, { name: 'web', account: 'east', namespace, image, version, ...more });
}

/** Every object but Events and what controllers keep for themselves, as `resource/name`. */
async function everything(): Promise<string[]> {
  const listed = (await cluster.kubectl(['api-resources', '--verbs=list', '-o', 'name'])).trim().split('\n');
  const kinds = listed.filter(
    (name) => !/^(events|ipaddresses|leases|controllerrevisions|componentstatuses)\b/.test(name),
  );
  const columns = 'custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name';
  const table = await cluster.kubectl([
    'get',
    kinds.join(','),
    '-A',
    '--no-headers',
    '--ignore-not-found',
    '-o',
    columns,
  ]);
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).join(' '));
  // An application of the tests is theirs, and stays.
  return rows.filter((row) => !row.includes(` ${namespace} web`));
}

describe('the charts', () => {
  it('pass their own `helm test`, and the doctors of the images', async () => {
    const test = (release: string, inside: string): Promise<string> =>
      helm(cluster, ['test', release, '--namespace', inside, '--logs', '--timeout', '60s']);
    const [ofOrchestrator, ofAgent] = await Promise.all([
      test('sluice-orchestrator', orchestratorNamespace),
      test('sluice-agent', agentNamespace),
    ]);
    expect(ofOrchestrator).toMatch(/Phase: +Succeeded/);
    expect(ofOrchestrator).toContain('/readyz answers 200');
    expect(ofOrchestrator).toMatch(/answers by TLS as .*DNS:sluice-orchestrator-agents\.sluice-system\.svc/);
    expect(ofAgent).toMatch(/Phase: +Succeeded/);
    expect(ofAgent).toMatch(/^\d+ ok$/m);
    const doctor = ['/nodejs/bin/node', 'src/orchestrator/main.js', 'doctor'];
    const inside = await orchestrator.kubectl(['exec', 'deployment/sluice-orchestrator', '--', ...doctor]);
    expect(inside).toMatch(/^\d+ ok$/m);
  });

  it('give the agent no right but those that its Role lists', async () => {
    const account = `system:serviceaccount:${agentNamespace}:sluice-agent`;
    const may = async (...what: string[]): Promise<string> =>
      (await cluster.kubectl(['auth', 'can-i', ...what, '--as', account]).catch(() => 'no')).trim();
    expect(await may('patch', 'deployments', '-n', namespace)).toBe('yes');
    expect(await may('patch', 'deployments', '-n', 'forbidden')).toBe('no');
    expect(await may('get', 'secrets', '-n', namespace)).toBe('no');
    expect(await may('get', 'secrets', '-n', agentNamespace)).toBe('no');
    expect(await may('create', 'rolebindings', '-n', namespace)).toBe('no');
    expect(await may('list', 'nodes')).toBe('no');
  });

  it('let a namespace that was not given to the agent as it is', async () => {
    const file = await application('v1', { name: 'intruder', namespace: 'forbidden' });
    const { code, stdout, stderr } = await orchestrator.sluice(['deploy', '--watch', '-f', file]);
    expect({ code, told: stdout + stderr }).toMatchObject({ code: 6, told: expect.stringContaining('forbidden') });
    const objects = await cluster.kubectl(['-n', 'forbidden', 'get', 'deployments,services', '-o', 'name']);
    expect(objects.trim()).toBe('');
  });

  it('run two agents of which one acts, update them one by one, and go back to one', async () => {
    const inNamespace = ['-n', agentNamespace];
    const leader = async (): Promise<string> => {
      const lease = ['get', 'lease', 'sluice-agent', '-o', 'jsonpath={.spec.holderIdentity}'];
      return (await cluster.kubectl([...inNamespace, ...lease])).split('_')[0] ?? '';
    };
    const isConnected = (): Promise<void> =>
      expect.poll(() => sluice('agents'), { timeout: 60_000 }).toMatch(/east +connected/);
    await isConnected();
    const first = await leader();
    const running = ['get', 'pods', '--field-selector=status.phase=Running', '-o', 'name'];
    const pods = (): Promise<string> => cluster.kubectl([...inNamespace, ...running]);
    expect((await pods()).split('\n')).toContain(`pod/${first}`);

    await cluster.kubectl([...inNamespace, 'delete', 'pod', first]);
    await expect.poll(leader, { timeout: 10_000 }).not.toBe(first);
    await isConnected();
    await cluster.kubectl([...inNamespace, 'rollout', 'restart', 'deployment/sluice-agent']);
    await agentReady(cluster);
    await expect.poll(async () => (await pods()).includes(await leader()), { timeout: 60_000 }).toBe(true);
    await isConnected();
    const values = set(agentValues([namespace]));
    await helm(cluster, ['upgrade', 'sluice-agent', chart('agent'), ...inNamespace, ...values]);
    await agentReady(cluster);
    await isConnected();
    expect((await cluster.kubectl([...inNamespace, 'get', 'leases,poddisruptionbudgets', '-o', 'name'])).trim()).toBe(
      '',
    );
  });

  it('carry a canary through an upgrade and its rollback, of agent and orchestrator', async () => {
    await sluice('deploy', '--watch', '-f', await application('v1'));
    const file = await application('v2', { steps: [setWeight(10), untilApproved, setWeight(50)] });
    const { id } = JSON.parse(await sluice('deploy', '-f', file, '-o', 'json')) as { id: string };
    await expect
      .poll(async () => JSON.parse(await sluice('status', id, '-o', 'json')) as unknown, { timeout: 60_000 })
      .toMatchObject({ rollouts: [{ state: 'waitingApproval', weight: 10 }] });

    // Another version of the chart, with another value: what an upgrade is.
    await helm(cluster, ['package', chart('agent'), '--version', '0.1.1', '--destination', folder]);
    const values = set([...agentValues([namespace]), 'log.level=debug']);
    const inNamespace = ['--namespace', agentNamespace];
    await helm(cluster, ['upgrade', 'sluice-agent', join(folder, 'sluice-agent-0.1.1.tgz'), ...inNamespace, ...values]);
    await agentReady(cluster);
    expect(await agentSettings()).toEqual(['sluice-agent-0.1.1', 'debug']);
    await helm(cluster, ['rollback', 'sluice-agent', ...inNamespace]);
    await agentReady(cluster);
    expect(await agentSettings()).toEqual(['sluice-agent-0.1.0', 'info']);

    const others = set([...orchestratorValues(), 'retention.workDays=8']);
    await helm(cluster, [
      'upgrade',
      'sluice-orchestrator',
      chart('orchestrator'),
      '-n',
      orchestratorNamespace,
      ...others,
    ]);
    await orchestrator.ready();
    await expect.poll(() => sluice('agents'), { timeout: 60_000 }).toMatch(/east +connected/);
    await sluice('approve', id);
    await sluice('watch', id);
    const template = '{.spec.template.spec.containers[0].env[0].value}';
    const version = await cluster.kubectl(['-n', namespace, 'get', 'deployment', 'web', '-o', `jsonpath=${template}`]);
    expect(version).toBe('v2');
    const services = await cluster.kubectl(['-n', namespace, 'get', 'services,trafficsplits,httproutes', '-o', 'name']);
    expect(services.trim().split('\n')).toEqual(['service/web']);
  });

  it('keep their tables in a PostgreSQL that a Secret names, and on the volume the authority alone', async () => {
    const database = await startEmbeddedServer(join(folder, 'database'), silentLog);
    cleanUp.defer(() => database.stop());
    const url = new URL(database.url);
    url.host = (await cluster.reverse(database.port)).address;
    const [release, inside] = ['external', 'sluice-external'];
    const volume = join(cluster.folder, 'volume-of-external');
    await mkdir(volume);
    await cluster.apply([restricted(inside), persistentVolume(volume, inside, release)]);
    await cluster.kubectl(['-n', inside, 'create', 'secret', 'generic', 'database', `--from-literal=url=${url.href}`]);
    const values = set([...orchestratorValues(), `fullnameOverride=${release}`, 'database.existingSecret=database']);
    const place = ['--namespace', inside];
    await helm(cluster, [
      'install',
      release,
      chart('orchestrator'),
      ...place,
      ...values,
      '--wait',
      '--timeout',
      '120s',
    ]);
    expect(await helm(cluster, ['test', release, ...place])).toMatch(/Phase: +Succeeded/);

    await using client = await connected(database.url);
    expect((await client.query('SELECT id FROM deployment')).rows).toEqual([]);
    expect(existsSync(join(volume, 'ca/ca.crt'))).toBe(true);
    expect(await readdir(volume)).not.toContain('postgres');
    await helm(cluster, ['uninstall', release, ...place, '--wait', '--timeout', '60s']);
    await cluster.kubectl(['delete', 'namespace', inside, '--timeout=60s']);
  });

  it('are uninstalled and leave nothing but the volumes that somebody else made', async () => {
    await helm(cluster, ['uninstall', 'sluice-agent', '-n', agentNamespace, '--wait', '--timeout', '60s']);
    await helm(cluster, [
      'uninstall',
      'sluice-orchestrator',
      '-n',
      orchestratorNamespace,
      '--wait',
      '--timeout',
      '60s',
    ]);
    const left = async (): Promise<string[]> =>
      (await everything()).filter((each) => !before.includes(each)).toSorted();
    await expect
      .poll(left, { timeout: 60_000, interval: 1000 })
      .toEqual(['PersistentVolume <none> external', 'PersistentVolume <none> sluice-orchestrator']);
  });
});

/** Version of the chart and log level, as the agent's Deployment has them. */
async function agentSettings(): Promise<string[]> {
  const version = String.raw`{.metadata.labels.helm\.sh/chart}`;
  const level = '{.spec.template.spec.containers[0].env[?(@.name=="SLUICE_LOG_LEVEL")].value}';
  const get = ['get', 'deployment', 'sluice-agent', '-o', `jsonpath=${version} ${level}`];
  return (await cluster.kubectl(['-n', agentNamespace, ...get])).split(' ');
}

async function connected(connectionString: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
