import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateProtocol } from '../../../scripts/generate.ts';

const committed = fileURLToPath(new URL('../../../src/protocol/gen', import.meta.url));
let fresh: string;

beforeAll(() => {
  fresh = mkdtempSync(join(tmpdir(), 'sluice-generated-'));
  generateProtocol(fresh);
});

afterAll(() => rmSync(fresh, { recursive: true, force: true }));

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|json)$/.test(name));
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

test('the committed types and descriptor are what the proto file gives: run `npm run generate` after a change', () => {
  expect(filesOf(committed)).toEqual(filesOf(fresh));
});
