/** One token for an API that is served beyond this machine, made at the first start. */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { HttpError } from './errors.ts';

/** Asked without one: what a load balancer and a kubelet look at. */
const OPEN = new Set(['/livez', '/readyz']);

const MISSING = 'The API needs its token (SLUICE_TOKEN, or --token).';
const WRONG = 'That is not the token of this API (SLUICE_TOKEN, or --token).';

export async function requireToken(app: FastifyInstance, dataDir: string, log: Log): Promise<void> {
  const path = join(dataDir, 'api-token');
  const token = Buffer.from(`Bearer ${await readOrMake(path)}`);
  log.info({ path }, 'the API asks for its token');
  app.addHook('onRequest', (request, _reply, done) => {
    const given = Buffer.from(request.headers.authorization ?? '');
    const isRight = given.length === token.length && timingSafeEqual(given, token);
    if (isRight || OPEN.has(request.url)) done();
    else done(new HttpError(401, 'UNAUTHENTICATED', `${given.length === 0 ? MISSING : WRONG} It is in ${path}.`));
  });
}

async function readOrMake(path: string): Promise<string> {
  const known = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (known !== undefined) return known.trim();
  const token = `sluice_${randomBytes(24).toString('base64url')}`;
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}
