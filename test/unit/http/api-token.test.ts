/** The first token of an API, as a file of its owner. */

import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOrMakeToken } from '../../../src/orchestrator/http/api-token.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let path: string;
beforeAll(() => {
  scratch = makeScratch('api-token');
  path = join(scratch.folder, 'api-token');
});
afterAll(() => scratch.remove());

it('is made once, for its owner only, and read again', async () => {
  const token = await readOrMakeToken(scratch.folder);
  expect(token).toMatch(/^sluice_[\w-]{43}$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await readOrMakeToken(scratch.folder)).toBe(token);
});

it('is made anew when its file is gone, and when it is empty, which would be no token at all', async () => {
  const token = readFileSync(path, 'utf8').trim();
  rmSync(path);
  const next = await readOrMakeToken(scratch.folder);
  writeFileSync(path, '\n');
  const last = await readOrMakeToken(scratch.folder);
  expect(new Set([token, next, last, '']).size).toBe(4);
});
