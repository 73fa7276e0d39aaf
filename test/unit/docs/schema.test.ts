import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deploymentFileSchema } from '../../../scripts/schema.ts';

it('docs/deployment-file.schema.json is what `npm run generate` writes', () => {
  const path = join(import.meta.dirname, '../../../docs/deployment-file.schema.json');
  expect(readFileSync(path, 'utf8')).toBe(deploymentFileSchema());
});
