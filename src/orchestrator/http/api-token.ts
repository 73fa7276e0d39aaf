/** The first token of an API that asks for one: made at the first start, for whoever can read the data folder. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { OWN_TOKEN } from './caller.ts';
import { newSecret } from './token-book.ts';

/** An admin's. To end it, delete the file and start again: then there is another. */
export async function readOrMakeToken(dataDir: string): Promise<string> {
  const path = join(dataDir, OWN_TOKEN);
  const known = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  });
  // An empty file would let everybody in who sends nothing.
  if (known.trim() !== '') return known.trim();
  const token = newSecret();
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}
