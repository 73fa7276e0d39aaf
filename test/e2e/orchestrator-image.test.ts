/** The orchestrator's image as a user runs it: Pod Security `restricted`, a read-only root, its database on a volume; killed and moved in the middle of canaries. */

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../cluster/cluster.ts';
import { setWeight, untilApproved, writeApplication } from '../support/application.ts';
import { agentNamespace, agentReady, installAgent } from '../support/helm.ts';
import {
  installOrchestrator,
  restricted,
  type ContainerStatus,
  type OrchestratorPod,
} from '../support/orchestrator-pod.ts';
import { startMeshCluster } from '../support/mesh-cluster.ts';

const namespace = 'shop';
const image = 'sluice.test/app:v1';

const cleanUp = new AsyncDisposableStack();
let cluster: Cluster;
let orchestrator: OrchestratorPod;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-orchestrator-image-'));
  cleanUp.defer(() => rm(folder, { recursive: true }));
  cluster = cleanUp.use(await startMeshCluster([image], {}, { restartPauseSeconds: 1 }));
  await cluster.apply(restricted(agentNamespace));
  orchestrator = await installOrchestrator(cluster);
}, 600_000);

afterAll(async () => cleanUp.disposeAsync());

/** @throws with what the command line said, if its exit code is another than 0. */
async function sluice(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await orchestrator.sluice(args);
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

function application(version: string, steps: unknown[]): Promise<string> {
  return writeApplication(folder, { name: 'web', account: 'east', namespace, image, version, steps });
}

async function connected(): Promise<void> {
  await expect.poll(() => sluice('agents'), { timeout: 60_000 }).toMatch(/east +connected/);
}

/** Begins a canary and returns its id once it waits for a person at 10 %. */
async function waitingCanary(version: string): Promise<string> {
  await connected(); // an orchestrator that has just started waits for its agents
  const file = await application(version, [setWeight(10), untilApproved, setWeight(50)]);
  const { id } = JSON.parse(await sluice('deploy', '-f', file, '-o', 'json')) as { id: string };
  await expect
    .poll(async () => JSON.parse(await sluice('status', id, '-o', 'json')) as unknown, { timeout: 60_000 })
    .toMatchObject({ rollouts: [{ state: 'waitingApproval', weight: 10 }] });
  return id;
}

/** Lets it go on and follows it to its end, which has to be its success. @returns what came of it. */
async function finish(id: string): Promise<string> {
  await sluice('approve', id);
  await sluice('watch', id);
  return outcome();
}

/** The version that the Deployment is at, and what there is beside it. */
async function outcome(): Promise<string> {
  const get = ['-n', namespace, 'get'];
  const template = '{.spec.template.spec.containers[0].env[0].value}';
  const version = await cluster.kubectl([...get, 'deployment', 'web', '-o', `jsonpath=${template}`]);
  const objects = await cluster.kubectl([...get, 'services,trafficsplits,httproutes', '-o', 'name']);
  return [version, ...objects.trim().split('\n')].join(', ');
}

/** Of processes in the container that have ended and that nobody has collected. */
function zombies(): Promise<string> {
  const states = `fs.readdirSync('/proc').filter(Number).map((pid) => fs.readFileSync('/proc/' + pid + '/stat', 'utf8'))`;
  return orchestrator.evaluate(`${states}.filter((stat) => stat.includes(') Z ')).length`);
}

describe("the orchestrator's image", () => {
  it('runs as a user without a name, with a root that nobody writes to, and has no shell', async () => {
    expect(await orchestrator.evaluate('process.getuid() + ":" + process.getgid()')).toBe('65532:65532');
    await expect(orchestrator.evaluate(`fs.writeFileSync('/app/x', '')`)).rejects.toThrow('EROFS');
    expect(await orchestrator.evaluate(`fs.existsSync('/bin/sh')`)).toBe('false');
    await expect(orchestrator.evaluate(`fs.readFileSync('/proc/1/status', 'utf8')`)).resolves.toMatch(
      /CapEff:\t0{16}\n[^]*NoNewPrivs:\t1\n[^]*Seccomp:\t2\n/,
    );
  });

  it('holds a command line that finds the orchestrator beside it', async () => {
    const { code, stderr } = await orchestrator.sluice(['orchestrator', '--api', 'nowhere']);
    expect(stderr).toContain('SLUICE_API_ADDRESS must be host:port');
    expect(code).toBe(2);
  });

  it('keeps its secrets from others on the volume', async () => {
    for (const file of ['api-token', 'postgres.password', 'ca/ca.key', 'postgres/PG_VERSION'])
      expect((await stat(join(orchestrator.volume, file))).mode & 0o077, file).toBe(0);
  });

  it("is dialled by the agent's image at its Service's name over TLS, and carries a canary to promotion", async () => {
    const credentialFile = join(folder, 'credential.json');
    await sluice('agents', 'add', 'east', '--out', credentialFile);
    const credential = JSON.parse(await readFile(credentialFile, 'utf8')) as { server: string };
    expect(credential.server).toBe('sluice-orchestrator-agents.sluice-system.svc:8443');
    // Its orchestrator is killed again and again.
    const values = ['connection.reconnectMaxSeconds=1'];
    await installAgent(cluster, { credentialFile, namespaces: [namespace], values });
    await connected();

    await sluice('deploy', '--watch', '-f', await application('v1', []));
    expect(await outcome()).toBe('v1, service/web');
    await sluice('deploy', '--watch', '-f', await application('v2', [setWeight(10), setWeight(50)]));
    expect(await outcome()).toBe('v2, service/web');
  });

  it('goes on with a canary after its container was killed', async () => {
    const id = await waitingCanary('v3');
    const before = await orchestrator.container();
    await orchestrator.kill('SIGKILL');
    await restartOf(before);
    expect(await finish(id)).toBe('v3, service/web');
  });

  it('goes on with a canary after its database was killed', async () => {
    const id = await waitingCanary('v4');
    const before = await orchestrator.container();
    const file = `fs.readFileSync('/var/lib/sluice/postgres/postmaster.pid', 'utf8')`;
    // The container may end before this has answered; that it was started again is seen next.
    await orchestrator.evaluate(`process.kill(parseInt(${file}), 'SIGKILL')`).catch(() => {});
    await restartOf(before);
    expect(await finish(id)).toBe('v4, service/web');
  });

  it('ends well at SIGTERM, as first process of its container, and is started again', async () => {
    const before = await orchestrator.container();
    await orchestrator.kill('SIGTERM');
    const after = await restartOf(before);
    expect(after.lastState.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(await orchestrator.kubectl(['logs', 'deployment/sluice-orchestrator', '--previous'])).toContain(
      'orchestrator has stopped',
    );
  });

  it('stops its database cleanly when its pod goes, and another pod goes on with the canary', async () => {
    const id = await waitingCanary('v5');
    const postmaster = join(orchestrator.volume, 'postgres/postmaster.pid');
    expect(existsSync(postmaster)).toBe(true);
    await orchestrator.scale(0);
    expect(existsSync(postmaster)).toBe(false);
    await orchestrator.scale(1);
    expect(await finish(id)).toBe('v5, service/web');
  });

  it('leaves no process that nobody collects', async () => {
    expect(await zombies()).toBe('0');
  });
});

describe("the agent's image", () => {
  it('ends well at SIGTERM, as first process of its container', async () => {
    const inNamespace = ['--namespace', agentNamespace];
    const end = ['/nodejs/bin/node', '-p', `process.kill(1, 'SIGTERM')`];
    // It may end with the container before it has answered.
    await cluster.kubectl([...inNamespace, 'exec', 'deployment/sluice-agent', '--', ...end]).catch(() => {});
    const path = '{.items[0].status.containerStatuses[0].lastState.terminated.exitCode}';
    const code = (): Promise<string> => cluster.kubectl([...inNamespace, 'get', 'pods', '-o', `jsonpath=${path}`]);
    await expect.poll(code, { timeout: 60_000 }).toBe('0');
    await agentReady(cluster);
  });
});

/** Waits until the container has been started anew and is ready. */
async function restartOf(before: ContainerStatus): Promise<ContainerStatus> {
  const now = (): Promise<ContainerStatus> => orchestrator.container();
  await expect.poll(now, { timeout: 120_000 }).toMatchObject({ restartCount: before.restartCount + 1, ready: true });
  return now();
}
