import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collectFiles } from '../../../src/orchestrator/file/collect-files.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';

it.each([
  'canary.yaml',
  'first-canary/deploy.yaml',
  'demo/deploy-v1.yaml',
  'demo/deploy-v2.yaml',
  'demo/deploy-v3.yaml',
])('examples/%s is valid', async (path) => {
  const { name, text, files } = await collectFiles(join(import.meta.dirname, '../../../examples', path));
  const read = readDeploymentFile(text, name, files);
  expect(read.ok ? read.warnings : read.problems).toEqual([]);
});
