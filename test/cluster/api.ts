/** The few calls of the Kubernetes API that setting up a cluster needs, over plain `node:https`. */
import { Agent, request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Access } from './kubeconfig.ts';

/** A response's status and parsed (or, if it is no JSON, plain) body. */
export interface ApiResponse {
  status: number;
  body: unknown;
}

/** Calls one API server, over one connection that is kept alive. */
export interface Api extends Disposable {
  call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<ApiResponse>;
}

/** Opens an API client; it connects at the first call. */
export function openApi(access: Access): Api {
  const tls = 'token' in access.credential ? {} : { cert: access.credential.certificate, key: access.credential.key };
  const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/json' };
  if ('token' in access.credential) headers['authorization'] = `Bearer ${access.credential.token}`;
  const agent = new Agent({ keepAlive: true, ca: access.authority, ...tls });
  return {
    call: (method, path, body, signal) =>
      new Promise((resolve, reject) => {
        const options = { method, agent, headers, timeout: 10_000, ...(signal === undefined ? {} : { signal }) };
        const request = httpsRequest(access.url + path, options, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) });
          });
        });
        request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in 10 s`)));
        request.on('error', reject);
        request.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/**
 * Mints a token for a ServiceAccount (TokenRequest), which must exist.
 * @param seconds for how long it is valid, 600 at least
 */
export async function serviceAccountToken(api: Api, namespace: string, name: string, seconds = 3600): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const { status, body } = await api.call('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: seconds },
  });
  if (status !== 201) throw new Error(`No token for ServiceAccount ${namespace}/${name}: ${JSON.stringify(body)}`);
  return (body as { status: { token: string } }).status.token;
}

/** Makes a ServiceAccount, and its namespace, unless they are there. */
export async function ensureServiceAccount(api: Api, namespace: string, name: string): Promise<void> {
  for (const [path, body] of [
    ['/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }],
    [
      `/api/v1/namespaces/${namespace}/serviceaccounts`,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
    ],
  ] as const) {
    const { status, body: answer } = await api.call('POST', path, body);
    if (status !== 201 && status !== 409) throw new Error(`POST ${path}: ${JSON.stringify(answer)}`);
  }
}

/**
 * Asks again every 50 ms until `holds` says so; what throws counts as "not yet".
 * @throws after `timeoutMs`, naming `what` and what the last try said; or when the signal aborts.
 */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  { timeoutMs = 60_000, signal }: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let last: unknown = 'it does not hold'; ;) {
    signal?.throwIfAborted();
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}: ${String(last)}`, { cause: last });
    }
    await delay(50, undefined, { signal });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
