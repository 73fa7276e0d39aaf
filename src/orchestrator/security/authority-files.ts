/** The folder of the certificate authority: pairs of certificate and key, and which of them counts for what, each change whole or not at all. */

import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { CertificateAndKey } from './issue.ts';

/** Names of pairs in the folder. At rest there is `active` alone. */
export interface Roles {
  /** Signs. */
  active: string;
  /** Trusted already, signs once every agent knows it. */
  next?: string | undefined;
  /** Trusted still: what it signed is in use. */
  old?: string | undefined;
}

const rolesSchema = z.object({ active: z.string(), next: z.string().optional(), old: z.string().optional() });
const ROLES_FILE = 'rotation.json';
/** Of a folder that has never seen a rotation. */
const FIRST: Roles = { active: 'ca' };
const AUTHORITY_FILE = /^(ca(?:-[0-9a-f]+)?)\.(?:crt|key)$/;

export class AuthorityFiles {
  readonly folder: string;

  constructor(dataDir: string) {
    this.folder = join(dataDir, 'ca');
  }

  async make(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /** @throws what is wrong with the file. */
  async roles(): Promise<Roles> {
    const text = await readFile(join(this.folder, ROLES_FILE), 'utf8').catch(missing);
    return text === undefined ? FIRST : rolesSchema.parse(JSON.parse(text));
  }

  /** One rename: a crash leaves the old roles or the new ones. Then what has no role any more goes. */
  async setRoles(roles: Roles): Promise<void> {
    await this.#replace(ROLES_FILE, `${JSON.stringify(roles)}\n`, 0o600);
    const kept = new Set(Object.values(roles));
    for (const name of await readdir(this.folder)) {
      const pair = AUTHORITY_FILE.exec(name)?.[1];
      if (pair !== undefined && !kept.has(pair)) await rm(join(this.folder, name));
    }
  }

  async read(name: string): Promise<CertificateAndKey | undefined> {
    const [certificate, key] = await Promise.all(
      ['crt', 'key'].map((ending) => readFile(join(this.folder, `${name}.${ending}`), 'utf8').catch(missing)),
    );
    return certificate !== undefined && key !== undefined
      ? { certificate: certificate.trim(), key: key.trim() }
      : undefined;
  }

  /** The key first, each whole or not at all: an interrupted start makes the pair again. */
  async write(name: string, pair: CertificateAndKey): Promise<CertificateAndKey> {
    await this.#replace(`${name}.key`, `${pair.key}\n`, 0o600);
    await this.#replace(`${name}.crt`, `${pair.certificate}\n`, 0o644);
    return pair;
  }

  async #replace(name: string, text: string, mode: number): Promise<void> {
    const path = join(this.folder, name);
    await writeFile(`${path}.new`, text, { mode });
    await chmod(`${path}.new`, mode);
    await rename(`${path}.new`, path);
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
