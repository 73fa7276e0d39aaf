/** The agent's chart and its credential, with real Helm and a real API server: an upgrade leaves it, an uninstall takes it away, and nothing else may be read. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openKube } from '../support/kube.ts';
import { EnrolWorld } from '../support/enrol-world.ts';
import { program } from '../cluster/programs.ts';

const world = new EnrolWorld();
const chart = join(import.meta.dirname, '../../helm/agent');
const SECRET = 'sluice-agent-credential';

async function helm(...args: string[]): Promise<string> {
  const all = [...args, '--namespace', 'sluice', `--kubeconfig=${world.plane.kubeconfig}`];
  return (await promisify(execFile)(await program('helm'), all)).stdout;
}

test('installed with the token, enrolled with the rights of the chart, upgraded, deleted, uninstalled', async () => {
  const joinToken = await world.invite('installed');
  const values = ['--set', 'allowedNamespaces={sluice}', '--set', `enrol.token=${joinToken}`];
  await helm('install', 'sluice-agent', chart, ...values);
  const kubeconfig = await world.plane.kubeconfigFor('sluice', 'sluice-agent');
  const credential = { kind: 'secret', namespace: 'sluice', name: SECRET, joinTokenFile: undefined } as const;
  const agent = await world.start({ account: 'installed', joinToken, kubeconfig, secret: SECRET });
  await world.connected('installed');
  const enrolled = await world.kept(SECRET);
  expect(enrolled.credential?.account).toBe('installed');

  using kube = await openKube(kubeconfig);
  const secrets = '/api/v1/namespaces/sluice/secrets';
  const mine = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'another', namespace: 'sluice' } };
  expect((await kube.call('GET', `${secrets}/sluice-agent-join`)).status).toBe(403);
  expect((await kube.call('GET', secrets)).status).toBe(403);
  expect((await kube.call('POST', secrets, mine)).status).toBe(403);
  expect((await kube.call('DELETE', `${secrets}/${SECRET}`)).status).toBe(403);

  // The token is gone from the values, as after the first start.
  await helm('upgrade', 'sluice-agent', chart, '--set', 'allowedNamespaces={sluice}', '--set', 'log.level=debug');
  expect(await world.kept(SECRET)).toEqual(enrolled);
  await helm('rollback', 'sluice-agent', '1');
  expect(await world.kept(SECRET)).toEqual(enrolled);

  await world.deleteSecret(SECRET);
  world.orchestrator.hub.endSession('installed', 'a test cuts it');
  await agent.says(/Secret was gone or empty/);
  expect(await world.kept(SECRET)).toEqual(enrolled);
  await helm('upgrade', 'sluice-agent', chart, '--set', 'allowedNamespaces={sluice}');
  expect(await world.kept(SECRET)).toEqual(enrolled);

  await agent.stop();
  await world.start({ account: 'installed', kubeconfig, config: { credential } });
  await world.connected('installed');
  await helm('uninstall', 'sluice-agent');
  expect((await world.plane.api.call('GET', `${secrets}/${SECRET}`)).status).toBe(404);
}, 120_000);
