/** The command line as a process of its own, following deployments whose every move the test makes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import {
  insertDeployment,
  newDeploymentId,
  setDeploymentState,
  type DeploymentState,
} from '../../src/orchestrator/store/deployments.ts';
import { recordEvent } from '../../src/orchestrator/store/events.ts';
import { startEmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import { rolloutId, type RolloutPatch } from '../../src/orchestrator/store/rollouts.ts';
import { silentLog } from '../../src/shared/log.ts';
import { node, repository } from '../support/child.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { freePort } from '../support/free-port.ts';
import { startOrchestratorHere } from '../support/orchestrator-here.ts';

let scratch: Scratch;
let port: number;
let orchestrator: Orchestrator;

beforeAll(async () => {
  scratch = makeScratch('cli-watch');
  port = await freePort();
  orchestrator = await start();
});

afterAll(async () => {
  await orchestrator?.stop();
  await scratch?.remove();
});

/** On the same port and data each time. */
function start(): Promise<Orchestrator> {
  return startOrchestratorHere(scratch.folder, { SLUICE_API_ADDRESS: `127.0.0.1:${port}` });
}

/** Stored as if it ran, so that nobody takes it up. It has no target in its file, so a run of it succeeds at once. */
async function makeDeployment(application: string): Promise<string> {
  const id = newDeploymentId();
  const file = { application, targets: [] } as unknown as ResolvedFile;
  const rollouts = [{ target: 'staging', account: 'east', namespace: 'shop', steps: 2 }];
  await insertDeployment(orchestrator.store, { id, application, file, source: '', createdBy: 'test', rollouts });
  await setDeploymentState(orchestrator.store, id, 'running');
  return id;
}

/** As an orchestrator leaves a deployment when it dies before it starts the run. None may run: it would take it up within seconds. */
async function makePending(id: string): Promise<void> {
  const database = await startEmbeddedServer(scratch.folder, silentLog);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(`update sluice.deployment set state = 'pending' where id = $1`, [id]);
  await client.end();
  await database.stop();
}

async function say(id: string, seq: number, message: string, rollout: Partial<RolloutPatch> = {}): Promise<void> {
  const event = {
    deploymentId: id,
    rolloutId: rolloutId(id, 'staging'),
    seq,
    kind: 'rollout.weight',
    message,
    rollout,
  };
  await recordEvent(orchestrator.store, event);
}

function sluice(args: string[], server = `http://127.0.0.1:${port}`) {
  const child = spawn(node, [join(repository, 'src/cli/main.ts'), ...args, '--server', server], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const says = (text: string): Promise<void> =>
    expect.poll(() => output.stdout + output.stderr, { timeout: 20_000 }).toContain(text);
  return { child, output, ended, says };
}

describe('sluice watch', () => {
  it.each<[DeploymentState, number]>([
    ['succeeded', 0],
    ['rolledBack', 4],
    ['aborted', 5],
    ['failed', 6],
  ])('of a deployment that ends %s exits with %i', async (state, code) => {
    const id = await makeDeployment(`ends-${state}`);
    await setDeploymentState(orchestrator.store, id, state);
    expect(await sluice(['watch', id]).ended).toBe(code);
  });

  it('writes one line an event, with its time and target', async () => {
    const id = await makeDeployment('lines');
    await say(id, 0, '10 % go to the canary');
    await say(id, 1, '25 % go to the canary');
    await setDeploymentState(orchestrator.store, id, 'succeeded');
    const watch = sluice(['watch', id]);
    await watch.ended;
    const lines = watch.output.stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d/, 'TIME'))).toEqual([
      'TIME staging  10 % go to the canary',
      'TIME staging  25 % go to the canary',
    ]);
  });

  it('writes one JSON value a line for programs', async () => {
    const id = await makeDeployment('json');
    await say(id, 0, '10 % go to the canary', { weight: 10 });
    await setDeploymentState(orchestrator.store, id, 'succeeded');
    const watch = sluice(['watch', id, '-o', 'json']);
    await watch.ended;
    const values = watch.output.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    expect(values.map(({ kind }) => kind)).toEqual(['event', 'rollout', 'deployment']);
  });

  it('left by Ctrl-C says that the deployment goes on, does not stop it, and has a code of its own', async () => {
    const id = await makeDeployment('left');
    await say(id, 0, 'begun');
    const watch = sluice(['watch', id]);
    await watch.says('begun');
    watch.child.kill('SIGINT');
    expect(await watch.ended).toBe(130);
    expect(watch.output.stderr).toContain(`Deployment ${id} goes on: sluice watch ${id}`);
    const { rows } = await orchestrator.store.pool.query('select * from sluice.control where deployment_id = $1', [id]);
    expect(rows).toEqual([]);
  });

  it('says at once that nobody answers, when nobody ever did', async () => {
    const away = sluice(['watch', 'any'], 'http://127.0.0.1:9');
    expect(await away.ended).toBe(7);
    expect(away.output.stderr).toContain('The orchestrator does not answer at http://127.0.0.1:9');
  });

  it('goes on after a restart of the orchestrator, tells no event twice, and a deployment that nobody ran is run then', async () => {
    const id = await makeDeployment('restarted');
    await say(id, 0, 'before the restart');
    const watch = sluice(['watch', id]);
    await watch.says('before the restart');
    await orchestrator.stop();
    await watch.says('The orchestrator does not answer; trying again.');
    await makePending(id);
    orchestrator = await start();
    expect(await watch.ended).toBe(0);
    expect(watch.output.stdout.match(/before the restart/g)).toHaveLength(1);
    expect(watch.output.stdout).toContain('restarted: succeeded');
  });
});

describe('sluice approve and abort', () => {
  it('approve only what waits, and abort only what is not over', async () => {
    const id = await makeDeployment('controlled');
    const early = sluice(['approve', id]);
    expect(await early.ended).toBe(1);
    expect(early.output.stderr).toContain('waits for approval (staging: pending)');
    await say(id, 0, 'waits', { state: 'waitingApproval' });
    expect(await sluice(['approve', id, '--target', 'other']).ended).toBe(1);
    const approved = sluice(['approve', id]);
    expect(await approved.ended).toBe(0);
    expect(approved.output.stdout).toBe('Approved: staging\n');
    expect(await sluice(['abort', id, '--reason', 'no good']).ended).toBe(0);
    const { rows } = await orchestrator.store.pool.query(
      'select kind, reason from sluice.control where deployment_id = $1 order by id',
      [id],
    );
    expect(rows).toEqual([
      { kind: 'approve', reason: null },
      { kind: 'abort', reason: 'no good' },
    ]);
    await setDeploymentState(orchestrator.store, id, 'aborted');
    const late = sluice(['abort', id]);
    expect(await late.ended).toBe(1);
    expect(late.output.stderr).toContain('has ended (aborted)');
  });
});
