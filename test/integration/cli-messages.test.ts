/** The command line as a stranger meets it: whatever goes wrong, one message that says what to do, no stack, the right exit code. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { closeAlerts, raiseAlert } from '../../src/orchestrator/store/alerts.ts';
import { insertDeployment, newDeploymentId, setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { recordEvent } from '../../src/orchestrator/store/events.ts';
import { rolloutId, type RolloutState } from '../../src/orchestrator/store/rollouts.ts';
import { node, repository } from '../support/child.ts';
import { startCli } from '../support/cli-process.ts';
import { freePort } from '../support/free-port.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { ScriptedAgent } from '../support/scripted-agent.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';

let scratch: Scratch;
/** It asks for a token. */
let orchestrator: Orchestrator;
let url: string;
let token: string;
const servers: Server[] = [];

beforeAll(async () => {
  scratch = makeScratch('cli-messages');
  orchestrator = await startOrchestratorHere(scratch.folder, {
    SLUICE_API_AUTH: 'required',
    SLUICE_AGENT_PLAINTEXT: '1',
  });
  url = orchestrator.apiUrl;
  token = readFileSync(join(scratch.folder, 'api-token'), 'utf8').trim();
});

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

afterAll(async () => {
  await orchestrator?.stop();
  await scratch?.remove();
});

/** Something else than an orchestrator. */
async function serve(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Runs a command against the orchestrator, and holds that nothing of a stack is shown. */
async function sluice(args: string[], environment: Record<string, string> = { SLUICE_URL: url, SLUICE_TOKEN: token }) {
  const end = await startCli(args, environment).ended;
  expect(end.stderr).not.toMatch(/\n\s+at |node:internal/);
  return end;
}

/** Stored as if it ran, so that nobody takes it up: it stays as the test says. */
async function makeDeployment(application: string): Promise<string> {
  const id = newDeploymentId();
  const file = { application, targets: [] } as unknown as ResolvedFile;
  const rollouts = [{ target: 'staging', account: 'east', namespace: 'shop', steps: 2 }];
  await insertDeployment(orchestrator.store, { id, application, file, source: '', createdBy: 'test', rollouts });
  await setDeploymentState(orchestrator.store, id, 'running');
  return id;
}

async function becomes(id: string, seq: number, state: RolloutState, reason: string): Promise<void> {
  const rollout = { state, reason };
  const event = {
    deploymentId: id,
    rolloutId: rolloutId(id, 'staging'),
    seq,
    kind: 'warning',
    message: reason,
    rollout,
  };
  await recordEvent(orchestrator.store, event);
}

describe('a command that is used wrongly ends with 2 and names its own help', () => {
  it.each([
    [['nonsense'], 'sluice', "unknown command 'nonsense'"],
    [['agents', 'nonsense'], 'sluice agents', "unknown command 'nonsense'"],
    [['deploy'], 'sluice deploy', "required option '-f, --file <path>'"],
    [['watch'], 'sluice watch', "missing required argument 'id'"],
    [['abort', 'a', 'b'], 'sluice abort', 'too many arguments'],
    [['status', '--nope'], 'sluice status', "unknown option '--nope'"],
    [['agents', 'add'], 'sluice agents add', "missing required argument 'name'"],
    [['status', '--server', 'localhost:8080'], 'sluice', 'Must be an address such as http://127.0.0.1:8080'],
    [['status', '-o', 'yaml'], 'sluice', 'Allowed choices are text, json'],
  ])('%j', async (args, command, message) => {
    const { code, stdout, stderr } = await sluice(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`(${command} `);
  });

  it('and so does one whose file is not there', async () => {
    expect(await sluice(['deploy', '-f', '/nowhere.yaml'])).toMatchObject({
      code: 2,
      stderr: '/nowhere.yaml: there is no such file\n',
    });
  });
});

describe('without an orchestrator every command ends with 7 and says where it looked', () => {
  it.each([
    [['status']],
    [['status', 'shop']],
    [['watch', 'shop']],
    [['watch', 'dep_0123456789abc']],
    [['abort', 'shop']],
    [['agents']],
  ])('%j where nobody listens', async (args) => {
    const away = `http://127.0.0.1:${await freePort()}`;
    const { code, stderr } = await sluice(args, { SLUICE_URL: away });
    expect(code).toBe(7);
    expect(stderr).toContain(`The orchestrator does not answer at ${away}`);
    expect(stderr).toContain('Start one with `sluice orchestrator`');
  });

  it.each([200, 404, 502])('where something else answers %i', async (status) => {
    const other = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>');
    });
    const { code, stderr } = await sluice(['status'], { SLUICE_URL: other.url });
    expect(code).toBe(7);
    expect(stderr).toContain(`What answers at ${other.url} is not an orchestrator (HTTP ${status})`);
  });
});

describe('Ctrl-C', () => {
  it.each([
    [['agents'], 'Interrupted.\n'],
    [
      ['abort', 'dep_0123456789abc'],
      'Interrupted: whether the orchestrator has done it is not known. Look with: sluice status\n',
    ],
  ])('ends %j at once with 130 when the orchestrator is silent', async (args, message) => {
    const asked = Promise.withResolvers<void>();
    const silent = await serve(() => asked.resolve());
    const { child, ended } = startCli(args, { SLUICE_URL: silent.url });
    await asked.promise;
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130, stdout: '', stderr: message });
  });
});

describe('the token', () => {
  it.each([[['status']], [['watch', 'dep_0123456789abc']], [['agents', 'add', 'west']]])(
    'that is missing or wrong is said as such by %j',
    async (args) => {
      const missing = await sluice(args, { SLUICE_URL: url });
      expect(missing.code).toBe(1);
      expect(missing.stderr).toContain('The API needs a token (SLUICE_TOKEN, or --token)');
      const wrong = await sluice([...args, '--token', 'wrong'], { SLUICE_URL: url });
      expect(wrong.code).toBe(1);
      expect(wrong.stderr).toContain('That is not a token of this API');
    },
  );
});

describe('sluice tokens and sluice audit', () => {
  it('make a token whose secret alone is on standard output, list it, end it, and tell who did what', async () => {
    const options = ['--role', 'deployer', '--application', 'shop', '--as-role', 'qa', '--expires', '90d'];
    const added = await sluice(['tokens', 'add', 'ci-shop', ...options]);
    expect(added.stdout).toMatch(/^sluice_[\w-]{43}\n$/);
    expect(added.stderr).toMatch(/^Token ci-shop \(deployer\) ends at 2.* shown this once/);
    const secret = added.stdout.trim();
    const as = { SLUICE_URL: url, SLUICE_TOKEN: secret };
    expect((await sluice(['status'], as)).code).toBe(0);
    const refused = await sluice(['tokens'], as);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('this needs admin')]);
    const listed = (await sluice(['tokens'])).stdout;
    expect(listed).toMatch(/ci-shop +deployer, as qa +shop +\d+ s ago by api-token +\d+ s ago +2\d{3}-/);
    expect(listed).not.toContain(secret);
    expect((await sluice(['tokens', 'revoke', 'ci-shop'])).stdout).toContain('no longer counts');
    expect((await sluice(['status'], as)).stderr).toContain('Token ci-shop was revoked at 2');
    const { stdout } = await sluice(['audit', '--since', '1h']);
    expect(stdout).toMatch(
      /^AT +WHO +WHAT +OUTCOME +FROM\n.* api-token, admin +revokeToken ci-shop +done +127\.0\.0\.1\n/,
    );
    expect(stdout).not.toContain(secret);
  });

  it.each([
    [['tokens', 'add', 'x'], "required option '--role <role>'"],
    [['tokens', 'add', 'x', '--role', 'root'], 'Allowed choices are viewer, deployer, approver, admin'],
    [['tokens', 'add', 'x', '--role', 'viewer', '--expires', '90'], '--expires 90: must be a number and s, m, h or d'],
    [['tokens', 'add', 'x/y', '--role', 'viewer'], 'must be 1 to 63 letters'],
    [['audit', '--since', 'yesterday'], '--since yesterday: must be a number and s, m, h or d'],
    [['tokens', 'nonsense'], "unknown command 'nonsense'"],
  ])('%j is used wrongly', async (args, message) => {
    const { code, stderr } = await sluice(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('a reader that has seen enough', () => {
  it('ends a long list without an error', async () => {
    const row = { id: 'dep_0123456789abc', application: 'shop', state: 'succeeded', waitsFor: null, createdBy: 'test' };
    const deployments = Array.from({ length: 20_000 }, () => ({ ...row, createdAt: '2026-01-02T09:41:07.500Z' }));
    const long = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ deployments }));
    });
    const line = `"${node}" "${join(repository, 'src/cli/main.ts')}" status | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { PATH = '' } = process.env;
    const shell = spawn('bash', ['--norc', '-c', line], { env: { PATH, SLUICE_URL: long.url } });
    let output = '';
    for (const stream of [shell.stdout, shell.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(shell, 'close');
    expect(output).toMatch(/^ID +APPLICATION +STATE +BEGUN +BY\n0\n$/);
  });
});

describe('a deployment is named', () => {
  it('by its id, by the beginning of it, or by its application, of which the newest is meant', async () => {
    const old = await makeDeployment('named');
    await setDeploymentState(orchestrator.store, old, 'succeeded');
    const id = await makeDeployment('named');
    for (const given of [id, id.slice(0, -1), id.slice('dep_'.length, -1), 'named']) {
      expect((await sluice(['status', given])).stdout).toContain(`${id}  named  running`);
    }
  });

  it('by a beginning that fits several: they are shown, and nothing is done', async () => {
    const [one, other] = [await makeDeployment('first'), await makeDeployment('second')];
    const { code, stderr } = await sluice(['abort', 'dep_']);
    expect(code).toBe(2);
    expect(stderr).toContain('dep_ may be any of these deployments:');
    expect(stderr).toContain(`${one}  first  running`);
    expect(stderr).toContain(`${other}  second  running`);
    expect((await orchestrator.store.pool.query('select * from sluice.control')).rows).toEqual([]);
  });

  it('by nothing that is known: where to look is said', async () => {
    expect(await sluice(['watch', 'nope'])).toMatchObject({
      code: 1,
      stderr: 'There is no deployment or application nope. List them with: sluice status\n',
    });
  });
});

describe('sluice status', () => {
  it('shows which deployments need somebody, why, and how to help', async () => {
    const [waits, stalled] = [await makeDeployment('waits'), await makeDeployment('stalls')];
    await becomes(waits, 0, 'waitingApproval', 'is the canary good?');
    await becomes(stalled, 0, 'stalled', 'remove ConfigMap a failed');
    const list = (await sluice(['status'])).stdout;
    expect(list).toMatch(new RegExp(`${waits} +waits +waits for approval`));
    expect(list).toMatch(new RegExp(`${stalled} +stalls +stalled`));
    expect((await sluice(['status', waits])).stdout).toContain(`Let it go on: sluice approve ${waits}`);
    const one = (await sluice(['status', stalled])).stdout;
    expect(one).toContain('remove ConfigMap a failed');
    expect(one).toContain('it then goes on by itself');
  });
});

describe('a deployment that has ended', () => {
  it.each(['approve', 'abort'])('is not there to %s, and how it ended is said', async (verb) => {
    const id = await makeDeployment(`ended-${verb}`);
    await setDeploymentState(orchestrator.store, id, 'rolledBack', 'errors is 7 %, above 1 %');
    expect(await sluice([verb, id])).toEqual({
      code: 1,
      stdout: '',
      stderr: `Deployment ${id} has ended (rolledBack: errors is 7 %, above 1 %): there is nothing to ${verb}.\n`,
    });
  });
});

describe('sluice agents', () => {
  it('says what a person should look at, beside the table', async () => {
    const { store } = orchestrator;
    const message = 'Two agents take the account from each other.';
    await raiseAlert(store, { account: 'copied', kind: 'alternatingAgents', message, detail: {}, count: 3 });
    const { stdout, stderr } = await sluice(['agents', '-o', 'json']);
    expect(JSON.parse(stdout)).toBeInstanceOf(Array);
    expect(stderr).toMatch(/^ALERT \(3 times, last \d+ s ago\): Two agents take the account from each other\.\n$/);
    await closeAlerts(store, 'copied');
    expect((await sluice(['agents'])).stderr).toBe('');
  });

  it('shows one that has gone: since when, why, its versions, what it lacks, its namespaces', async () => {
    const credential = await orchestrator.addAgent('gone');
    const port = Number(orchestrator.agentAddress.split(':')[1]);
    const agent = await new ScriptedAgent(port, { token: credential.token })
      .hello({
        agentVersion: '9.8.7',
        kubernetesVersion: 'v1.37.0',
        allowedNamespaces: ['shop'],
        rightsReviewed: true,
        missingRights: [{ namespace: 'shop', rules: [{ group: 'apps', resource: 'deployments', verb: 'patch' }] }],
      })
      .welcomed();
    const facts = String.raw`+\d+ s ago +9\.8\.7 +1 +v1\.37\.0 +1 missing +shop\n`;
    expect((await sluice(['agents'])).stdout).toMatch(new RegExp(`gone +connected ${facts}`));
    agent.cut();
    await expect.poll(() => orchestrator.hub.isConnected('gone')).toBe(false);
    const { stdout } = await sluice(['agents']);
    expect(stdout).toMatch(new RegExp(`gone +disconnected ${facts}`));
    expect(stdout).toMatch(/^gone left \d+ s ago: .+\. Its own log names the cause/m);
    expect(stdout).toMatch(/^gone may not patch deployments\.apps in shop: a canary there is refused\./m);
  });
});
