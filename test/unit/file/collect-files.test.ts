import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collectFiles } from '../../../src/orchestrator/file/collect-files.ts';

it.each([
  ['a path with a NUL in it', 'manifests: [{ path: "a\\0b" }]'],
  ['a path that is too long', `manifests: [{ path: ${'a'.repeat(400)} }]`],
  ['a path below a file', 'manifests: [{ path: deploy.yaml/x }]'],
  ['an alias inside of what it names', 'strategies: &a { x: *a }'],
])('%s is left for the reader to tell, not thrown', async (_, text) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-collect-'));
  try {
    await writeFile(join(folder, 'deploy.yaml'), text);
    expect((await collectFiles(join(folder, 'deploy.yaml'))).files).toEqual({});
  } finally {
    await rm(folder, { recursive: true });
  }
});
