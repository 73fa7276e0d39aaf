/** The agent's credential: who it is and how it proves it, as `sluice agents add` writes it. */

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SluiceError, messageOf } from '../shared/errors.ts';

export const credentialSchema = z
  .object({
    /** For logs; the hub takes the identity from certificate or token. */
    account: z.string().min(1),
    /** host:port of the hub. */
    server: z.string().optional(),
    /** PEM of the CA that signed the hub's certificate. Absent: the system's CAs. */
    ca: z.string().optional(),
    certificate: z.string().optional(),
    key: z.string().optional(),
    token: z.string().min(1).optional(),
  })
  .refine((each) => (each.certificate === undefined) === (each.key === undefined), {
    message: 'certificate and key belong together',
  });

export type AgentCredential = z.infer<typeof credentialSchema>;

/** One JSON file, or a folder with `ca.crt`, `tls.crt`, `tls.key` and perhaps `token` (a Secret of type kubernetes.io/tls). */
export type CredentialFile = { kind: 'file'; path: string } | { kind: 'folder'; path: string };
/** A file that somebody else writes, or a Secret of the agent's own (enrol/keeper.ts). */
export type CredentialSource =
  CredentialFile | { kind: 'secret'; namespace: string; name: string; joinTokenFile: string | undefined };

/** @throws SluiceError CREDENTIAL: names the file and what is wrong with it, never its content. */
export async function readCredential(source: CredentialFile, plaintext: boolean): Promise<AgentCredential> {
  const credential = source.kind === 'file' ? await readJson(source.path) : await readFolder(source.path);
  if (plaintext && credential.token === undefined) {
    throw invalid(source.path, 'it has no token, and without TLS nothing else proves who the agent is');
  }
  if (!plaintext && credential.token === undefined && credential.certificate === undefined) {
    throw invalid(source.path, 'it has neither a certificate nor a token');
  }
  return credential;
}

/** When the certificate that is presented ends, in milliseconds since the epoch; null: there is none, or it cannot be read. */
export function notAfterMsOf({ certificate }: AgentCredential): number | null {
  if (certificate === undefined) return null;
  try {
    return new X509Certificate(certificate).validToDate.getTime();
  } catch {
    return null;
  }
}

async function readJson(path: string): Promise<AgentCredential> {
  const text = await read(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Not the parser's message: it quotes the text, and the text is secret.
    throw invalid(path, 'it is not JSON');
  }
  const parsed = credentialSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(path, parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; '));
}

async function readFolder(path: string): Promise<AgentCredential> {
  const [certificate, key] = await Promise.all([read(join(path, 'tls.crt')), read(join(path, 'tls.key'))]);
  const [ca, token] = await Promise.all([readIfThere(join(path, 'ca.crt')), readIfThere(join(path, 'token'))]);
  return { account: 'from certificate', certificate, key, ...(ca && { ca }), ...(token && { token: token.trim() }) };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('CREDENTIAL', `Cannot read the agent's credential: ${messageOf(cause)}.`, {
      disposition: 'stalled',
      cause,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

function invalid(path: string, why: string): SluiceError {
  const message = `The agent's credential ${path} cannot be used: ${why}. Make a new one with \`sluice agents add\`.`;
  return new SluiceError('CREDENTIAL', message, { disposition: 'stalled' });
}
