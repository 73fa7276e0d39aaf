/** `KUBECONFIG=... npm run demo` shows the same on a cluster that somebody else started, and leaves nothing of itself in it. */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { node, repository } from '../support/child.ts';
import { makeScratch } from '../support/scratch.ts';

const prefix = 'registry.invalid/sluice';
let cluster: Cluster;
let before: string;

beforeAll(async () => {
  cluster = await startCluster();
  before = await contents();
}, 900_000);

afterAll(() => cluster.stop());

it('says what to do about images that the cluster does not have', async () => {
  await using scratch = makeScratch('demo-foreign');
  // A command that takes them elsewhere.
  const { code, output } = await demo(['--load-command', `cp -t ${scratch.folder}`]);
  expect({ code, output }).toMatchObject({ code: 1 });
  expect(readdirSync(scratch.folder)).toHaveLength(4);
  expect(output).toContain('The cluster does not have sluice-demo/hello:1, sluice-demo/integration-test:1,');
  expect(output).toContain('npm run demo -- --images FOLDER');
  expect(await contents()).toBe(before);
});

it('promotes v2 and rolls v3 back with images loaded by hand, under names of a registry', async () => {
  await using scratch = makeScratch('demo-foreign');
  const images = join(scratch.folder, 'images');
  const written = await demo(['--images', images], { SLUICE_DEMO_IMAGES: prefix });
  expect(written).toMatchObject({ code: 0 });
  for (const name of readdirSync(images)) await cluster.importImage(join(images, name));
  const { code, output } = await demo([], { SLUICE_DEMO_IMAGES: prefix });
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toContain('Everything is as expected');
  expect(await contents()).toBe(before);
});

/** What outlives a namespace, and the namespaces. */
function contents(): Promise<string> {
  const kinds = 'namespaces,clusterroles,clusterrolebindings,customresourcedefinitions';
  return cluster.kubectl(['get', kinds, '--output', 'name']);
}

function demo(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      node,
      ['examples/demo/main.ts', ...args],
      { cwd: repository, timeout: 280_000, env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}
