/** Writes the deployment file's JSON Schema, for editors, from the schema that reads it; a test keeps them equal. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { deploymentFile } from '../src/orchestrator/file/schema.ts';

/** The schema as text: draft 2020-12, as it is written into a file. */
export function deploymentFileSchema(): string {
  const schema = z.toJSONSchema(deploymentFile, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'Sluice deployment file', ...schema }, null, 2)}\n`;
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '../docs/deployment-file.schema.json'), deploymentFileSchema());
}
