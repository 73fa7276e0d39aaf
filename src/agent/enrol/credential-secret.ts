/** The agent's own Secret: its credential, and the key of one that it has asked for. */

import * as z from 'zod';
import { messageOf, SluiceError } from '../../shared/errors.ts';
import { credentialSchema } from '../credential.ts';
import type { KubeApi } from '../kubernetes/kube-api.ts';
import { KubeError } from '../kubernetes/kube-error.ts';

/** What is kept beside the credential. */
const keptSchema = credentialSchema.safeExtend({
  /** Which join token it came of. */
  enrolledWith: z.string().optional(),
  /** By the hub's clock. */
  issuedAtMs: z.number().optional(),
});
const pendingSchema = z.object({
  /** PEM, PKCS#8. */
  key: z.string(),
  /** Which join token it is to be enrolled with. */
  tokenId: z.string(),
});

export type KeptCredential = z.infer<typeof keptSchema>;
type Pending = z.infer<typeof pendingSchema>;

export interface Kept {
  credential?: KeptCredential | undefined;
  pending?: Pending | undefined;
}

export interface SecretName {
  namespace: string;
  name: string;
}

export class CredentialSecret {
  readonly #api: KubeApi;
  readonly #name: SecretName;

  constructor(api: KubeApi, name: SecretName) {
    this.#api = api;
    this.#name = name;
  }

  /** @returns nothing kept where there is no Secret, or one without a readable credential. @throws SluiceError SECRET; when `signal` aborts too. */
  async read(signal?: AbortSignal): Promise<Kept> {
    let secret: { data?: Record<string, string> };
    try {
      secret = await this.#api.call({
        method: 'GET',
        path: this.#path,
        what: `read ${this.#what}`,
        ...(signal && { signal }),
      });
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return {};
      throw this.#fault('read', error);
    }
    const { 'credential.json': credential, 'pending.json': pending } = secret.data ?? {};
    return { credential: parsed(keptSchema, credential), pending: parsed(pendingSchema, pending) };
  }

  /** Makes it what is kept, and the Secret with it if it is gone. @throws SluiceError SECRET. */
  async write({ credential, pending }: Kept): Promise<void> {
    const { namespace, name } = this.#name;
    const data = {
      ...(credential && { 'credential.json': encoded(credential) }),
      ...(pending && { 'pending.json': encoded(pending) }),
    };
    try {
      await this.#api.call({
        method: 'PATCH',
        path: this.#path,
        // Applied: it makes a Secret that is gone, with a right that is bound to its name, and leaves what is not ours.
        query: { fieldManager: 'sluice-agent-credential', force: true },
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type: 'Opaque', data },
        what: `write ${this.#what}`,
      });
    } catch (error) {
      throw this.#fault('write', error);
    }
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.#name.namespace}/secrets/${this.#name.name}`;
  }

  get #what(): string {
    return `Secret ${this.#name.namespace}/${this.#name.name}`;
  }

  #fault(deed: string, cause: unknown): SluiceError {
    const isForbidden = cause instanceof KubeError && cause.status === 403;
    const message = isForbidden
      ? `The agent may not ${deed} its ${this.#what}: give its ServiceAccount get, create and patch on this one Secret (the chart does with rbac.create).`
      : `The agent cannot ${deed} its ${this.#what}: ${messageOf(cause)}`;
    return new SluiceError('SECRET', message, { disposition: isForbidden ? 'stalled' : 'retry', cause });
  }
}

function encoded(value: object): string {
  return Buffer.from(`${JSON.stringify(value)}\n`).toString('base64');
}

/** What cannot be read is as good as gone: it is enrolled anew, or a person is told. */
function parsed<T>(schema: z.ZodType<T>, base64: string | undefined): T | undefined {
  if (base64 === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
  } catch {
    return undefined;
  }
}
