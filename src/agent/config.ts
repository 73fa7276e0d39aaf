/** The agent's configuration from the environment: checked, defaults filled in, frozen; all problems at once. */

import { isIP } from 'node:net';
import * as z from 'zod';
import { SluiceError, messageOf } from '../shared/errors.ts';
import type { LogFormat, LogLevel } from '../shared/log.ts';
import type { CredentialSource } from './credential.ts';
import type { ClusterSource } from './kubernetes/cluster-access.ts';
import type { LeaseConfig } from './lease/open-election.ts';
import type { Policy } from './operations/policy.ts';
import { readPolicyFile } from './policy-file.ts';
import { readProxy } from './stream/proxy.ts';
import type { Proxy } from './stream/proxy.ts';

export interface AgentConfig {
  /** host:port; undefined: the credential says it. */
  server: string | undefined;
  serverName: string | undefined;
  /** The way to the orchestrator, where it is not direct. */
  proxy: Proxy | undefined;
  /** The longest wait between two attempts to connect. */
  reconnectMaxMs: number;
  /** No TLS; only to a loopback address. */
  plaintext: boolean;
  credential: CredentialSource;
  cluster: ClusterSource;
  /** What it refuses whoever asks. */
  policy: Policy;
  /** Where several agents elect the one that acts; undefined: it is the only one. */
  lease: LeaseConfig | undefined;
  /** Where /livez, /readyz and /status are served; undefined: nowhere. Port 0: any free one. */
  healthAddress: { host: string; port: number } | undefined;
  log: { format: LogFormat; level: LogLevel };
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** `host:port`, `[::1]:port`; no scheme: people paste URLs, and grpc-js would take `https` for a resolver's name. */
const HOST_PORT = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;
const hostPort = z.string().regex(HOST_PORT, 'must be host:port, without a scheme');
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const namespaces = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== ''),
  )
  .refine((list) => list.length > 0, 'must name at least one namespace, comma separated')
  .refine((list) => list.every((each) => NAMESPACE.test(each)), 'holds what is no namespace name');
const health = z.string().regex(/^(.*):(\d{1,5})$/, 'must be host:port or :port');

const schema = z.strictObject({
  SLUICE_SERVER: hostPort.optional(),
  SLUICE_SERVER_NAME: z.string().min(1).optional(),
  SLUICE_CREDENTIAL_FILE: z.string().min(1).optional(),
  SLUICE_CREDENTIAL_DIR: z.string().min(1).optional(),
  SLUICE_CREDENTIAL_SECRET: z.string().regex(OBJECT_NAME, 'is no object name').optional(),
  SLUICE_JOIN_TOKEN_FILE: z.string().min(1).optional(),
  SLUICE_INSECURE_LOOPBACK: z.enum(['0', '1']).default('0'),
  SLUICE_ALLOWED_NAMESPACES: namespaces,
  SLUICE_POLICY_FILE: z.string().min(1).optional(),
  SLUICE_KUBECONFIG: z.string().min(1).optional(),
  SLUICE_KUBE_CONTEXT: z.string().min(1).optional(),
  SLUICE_HEALTH_ADDRESS: health.optional(),
  SLUICE_LEASE_NAME: z.string().regex(OBJECT_NAME, 'is no object name').optional(),
  SLUICE_LEASE_SECONDS: z.coerce.number().min(1).max(300).default(15),
  SLUICE_NAMESPACE: z.string().regex(NAMESPACE, 'is no namespace name').optional(),
  SLUICE_POD_NAME: z.string().regex(OBJECT_NAME, 'is no object name').optional(),
  SLUICE_RECONNECT_MAX_SECONDS: z.coerce.number().min(0.1).max(3600).default(60),
  SLUICE_LOG_FORMAT: z.enum(['json', 'pretty']).default('json'),
  SLUICE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** @throws SluiceError CONFIG with one line for each problem. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): AgentConfig {
  const ours = Object.entries(environment).filter(
    ([key, value]) => key.startsWith('SLUICE_') && value !== undefined && value !== '',
  );
  const parsed = schema.safeParse(Object.fromEntries(ours));
  const problems = parsed.success ? [] : parsed.error.issues.map(sentenceOf);
  const given = Object.fromEntries(ours) as Record<string, string | undefined>;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const credential = credentialOf(given, problems);
  if (given['SLUICE_KUBECONFIG'] === undefined && host === undefined) {
    problems.push('Set SLUICE_KUBECONFIG: this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set).');
  }
  if (given['SLUICE_INSECURE_LOOPBACK'] === '1' && !isLoopback(given['SLUICE_SERVER'] ?? '')) {
    problems.push(
      'SLUICE_INSECURE_LOOPBACK: without TLS SLUICE_SERVER must be a loopback address, such as 127.0.0.1:7443.',
    );
  }
  const lease = leaseOf(given, problems);
  const proxy = orProblem(() => readProxy(environment), problems);
  const { SLUICE_POLICY_FILE: policyFile } = given;
  const rules = orProblem(() => (policyFile === undefined ? {} : readPolicyFile(policyFile)), problems);
  if (!parsed.success || !credential || problems.length > 0) {
    throw new SluiceError(
      'CONFIG',
      `The agent's configuration is wrong:\n${problems.map((each) => `  - ${each}`).join('\n')}`,
      {
        disposition: 'stalled',
      },
    );
  }
  const env = parsed.data;
  return Object.freeze({
    server: env.SLUICE_SERVER,
    serverName: env.SLUICE_SERVER_NAME,
    proxy,
    reconnectMaxMs: env.SLUICE_RECONNECT_MAX_SECONDS * 1000,
    plaintext: env.SLUICE_INSECURE_LOOPBACK === '1',
    credential,
    cluster:
      env.SLUICE_KUBECONFIG === undefined
        ? { kind: 'inCluster', host: host ?? '', port: port ?? '443', folder: SERVICE_ACCOUNT }
        : {
            kind: 'kubeconfig',
            path: env.SLUICE_KUBECONFIG,
            ...(env.SLUICE_KUBE_CONTEXT && { context: env.SLUICE_KUBE_CONTEXT }),
          },
    policy: Object.freeze({ ...rules, allowedNamespaces: Object.freeze([...env.SLUICE_ALLOWED_NAMESPACES]) }),
    lease: lease && { ...lease, leaseMs: env.SLUICE_LEASE_SECONDS * 1000 },
    healthAddress: addressOf(env.SLUICE_HEALTH_ADDRESS),
    log: { format: env.SLUICE_LOG_FORMAT, level: env.SLUICE_LOG_LEVEL },
  } satisfies AgentConfig);
}

/** Whether an address `host:port` can only be reached from this machine. */
export function isLoopback(address: string): boolean {
  const host = HOST_PORT.exec(address)?.[1]?.replace(/^\[|\]$/g, '') ?? '';
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function orProblem<T>(read: () => T, problems: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    problems.push(messageOf(error));
    return undefined;
  }
}

function credentialOf(given: Record<string, string | undefined>, problems: string[]): CredentialSource | undefined {
  const { SLUICE_CREDENTIAL_FILE: file, SLUICE_CREDENTIAL_DIR: folder, SLUICE_CREDENTIAL_SECRET: name } = given;
  const { SLUICE_NAMESPACE: namespace, SLUICE_JOIN_TOKEN_FILE: joinTokenFile } = given;
  if ([file, folder, name].filter((each) => each !== undefined).length !== 1) {
    problems.push('Set one of SLUICE_CREDENTIAL_FILE, SLUICE_CREDENTIAL_DIR and SLUICE_CREDENTIAL_SECRET.');
    return undefined;
  }
  if (file !== undefined) return { kind: 'file', path: file };
  if (folder !== undefined) return { kind: 'folder', path: folder };
  if (name !== undefined && namespace !== undefined) return { kind: 'secret', namespace, name, joinTokenFile };
  problems.push('SLUICE_CREDENTIAL_SECRET needs SLUICE_NAMESPACE: where the Secret lies.');
  return undefined;
}

function leaseOf(
  given: Record<string, string | undefined>,
  problems: string[],
): Omit<LeaseConfig, 'leaseMs'> | undefined {
  const { SLUICE_LEASE_NAME: name, SLUICE_NAMESPACE: namespace, SLUICE_POD_NAME: pod } = given;
  if (name === undefined) return undefined;
  if (namespace !== undefined && pod !== undefined) return { name, namespace, pod };
  problems.push('SLUICE_LEASE_NAME needs SLUICE_NAMESPACE and SLUICE_POD_NAME: where the Lease lies, and whose it is.');
  return undefined;
}

function addressOf(text: string | undefined): AgentConfig['healthAddress'] {
  if (text === undefined) return undefined;
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(text.slice(at + 1)) };
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `Unknown: ${issue.keys.join(', ')}. Remove or correct it.`;
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return `${issue.path.join('.')} ${missing ? 'is not set' : issue.message}.`;
}
