/** The orchestrator's configuration from the environment: checked, defaults filled in, frozen; all problems at once. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../shared/errors.ts';
import type { LogFormat, LogLevel } from '../shared/log.ts';

export interface Address {
  host: string;
  /** 0: any free one. */
  port: number;
}

/** `builtIn`: signed by the authority in the data folder. */
export type ApiTls =
  | { kind: 'off' }
  | { kind: 'builtIn' }
  | {
      kind: 'files';
      certFile: string;
      keyFile: string;
      /** How often they are looked at; for tests. */
      lookMs?: number;
    };

export interface ApiConfig {
  /** Where it is served. */
  address: Address;
  /** As people and pipelines reach it; its host is in the certificate. */
  publicUrl: string | undefined;
  /** Programs of this machine too need a token. */
  requiresToken: boolean;
  tls: ApiTls;
}

export interface OrchestratorConfig {
  /** Absolute. */
  dataDir: string;
  /** Your own PostgreSQL; undefined: the embedded one. */
  databaseUrl: string | undefined;
  api: ApiConfig;
  agents: {
    /** Where agents are served. */
    address: Address;
    /** host:port as agents reach it, written into credentials; undefined: the address itself. */
    publicAddress: string | undefined;
    /** No TLS; loopback only, or `behindProxy`. */
    plaintext: boolean;
    /** What stands before it ends TLS: agents prove themselves by tokens. */
    behindProxy: boolean;
    /** Your own certificate instead of the built-in authority's. */
    tls: { certFile: string; keyFile: string } | undefined;
    /** The authority of the certificate that agents see, where it is not the built-in one; undefined then: one that their system trusts. */
    caFile: string | undefined;
    /** How long an agent's certificate counts; it is renewed at two thirds. */
    certificateMs: number;
    /** What `sluice agents add` says to install. */
    install: { chart: string; image: string | undefined };
  };
  metricProviders: readonly { name: string; url: string }[];
  run: {
    /**
     * Once traffic has moved away from pods, how long their last requests have before the pods are removed.
     * kube-proxy syncs its rules once a second; the mesh's proxies follow an endpoint in milliseconds.
     */
    drainMs: number;
  };
  retention: {
    /** Days after its end that a deployment is listed, with its events. */
    historyDays: number;
    /** Days after its end that its run's steps and operations are kept, with the objects in them. */
    workDays: number;
  };
  log: { level: LogLevel; format: LogFormat };
}

/** Of the other programs of Sluice, which may share an environment with this one. */
const OF_OTHERS = [
  'SLUICE_CACHE',
  'SLUICE_NO_INSTALL',
  'SLUICE_URL',
  'SLUICE_TOKEN',
  'SLUICE_CA_FILE',
  'SLUICE_SERVER',
  'SLUICE_SERVER_NAME',
  'SLUICE_CREDENTIAL_FILE',
  'SLUICE_CREDENTIAL_DIR',
  'SLUICE_CREDENTIAL_SECRET',
  'SLUICE_JOIN_TOKEN_FILE',
  'SLUICE_NAMESPACE',
  'SLUICE_INSECURE_LOOPBACK',
  'SLUICE_ALLOWED_NAMESPACES',
  'SLUICE_KUBECONFIG',
  'SLUICE_KUBE_CONTEXT',
  'SLUICE_HEALTH_ADDRESS',
];

const HOST_PORT = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;
const hostPort = z.string().regex(HOST_PORT, 'must be host:port, without a scheme, such as 127.0.0.1:8080');

const providers = z.string().transform((text, context) => {
  const entries = text.split(',').filter((entry) => entry.trim() !== '');
  return entries.flatMap((entry) => {
    const [, name, url] = /^\s*([A-Za-z0-9_.-]+)=(\S+?)\s*$/.exec(entry) ?? [];
    if (name !== undefined && url !== undefined && /^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      return [{ name, url }];
    context.addIssue({
      code: 'custom',
      // What stands before an @ may be a password.
      message: `holds ${JSON.stringify(entry.trim().replace(/(^|=)[^=]*@/, '$1***@'))}; it must be name=http://host:port, comma separated`,
    });
    return [];
  });
});

const days = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'must be a number of days, 1 or more')
  .transform(Number);

const drainSeconds = z
  .string()
  .refine(
    (text) => /^\d+(\.\d{1,3})?$/.test(text) && Number(text) <= 600,
    'must be a number of seconds from 0 to 600, with at most three decimals, such as 3 or 0.5',
  )
  .transform(Number);

const databaseUrl = z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://');

const publicUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '';
}, 'must be an address such as https://sluice.example.com, without a path');

const schema = z.strictObject({
  DATABASE_URL: databaseUrl.optional(),
  SLUICE_DATA_DIR: z.string().min(1).optional(),
  SLUICE_API_ADDRESS: hostPort.default('127.0.0.1:8080'),
  SLUICE_API_PUBLIC_URL: publicUrl.optional(),
  SLUICE_API_AUTH: z.enum(['auto', 'required']).default('auto'),
  SLUICE_API_TLS: z.enum(['auto', 'off']).default('auto'),
  SLUICE_API_TLS_CERT_FILE: z.string().optional(),
  SLUICE_API_TLS_KEY_FILE: z.string().optional(),
  SLUICE_AGENT_ADDRESS: hostPort.default('127.0.0.1:8443'),
  SLUICE_AGENT_PUBLIC_ADDRESS: hostPort.optional(),
  SLUICE_AGENT_PLAINTEXT: z.enum(['0', '1']).default('0'),
  SLUICE_AGENT_BEHIND_PROXY: z.enum(['0', '1']).default('0'),
  SLUICE_AGENT_TLS_CERT_FILE: z.string().optional(),
  SLUICE_AGENT_TLS_KEY_FILE: z.string().optional(),
  SLUICE_AGENT_CA_FILE: z.string().optional(),
  SLUICE_AGENT_CERTIFICATE_DAYS: z.coerce.number().positive().max(3650).default(30),
  SLUICE_AGENT_CHART: z.string().default('helm/agent'),
  SLUICE_AGENT_IMAGE: z.string().optional(),
  SLUICE_METRIC_PROVIDERS: providers.default([]),
  SLUICE_DRAIN_SECONDS: drainSeconds.default(3),
  SLUICE_RETENTION_DAYS: days.default(90),
  SLUICE_WORK_RETENTION_DAYS: days.default(7),
  SLUICE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  SLUICE_LOG_FORMAT: z.enum(['json', 'pretty']).default('json'),
});

/** @throws SluiceError CONFIG with one line for each problem. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): OrchestratorConfig {
  const isOurs = (key: string): boolean =>
    key === 'DATABASE_URL' || (key.startsWith('SLUICE_') && !OF_OTHERS.includes(key));
  const given = Object.entries(environment).filter(
    ([key, value]) => isOurs(key) && value !== undefined && value !== '',
  );
  const parsed = schema.safeParse(Object.fromEntries(given));
  const problems = parsed.success ? [] : parsed.error.issues.flatMap(sentencesOf);
  const plaintext = environment['SLUICE_AGENT_PLAINTEXT'] === '1';
  const agentHost = parseAddress(environment['SLUICE_AGENT_ADDRESS'] ?? '127.0.0.1:8443')?.host;
  const behindProxy = environment['SLUICE_AGENT_BEHIND_PROXY'] === '1';
  if (plaintext && !behindProxy && agentHost !== undefined && !isLoopback(agentHost)) {
    problems.push(
      'SLUICE_AGENT_PLAINTEXT: without TLS agents are served on loopback only; set SLUICE_AGENT_ADDRESS to 127.0.0.1:PORT. Where a proxy before it ends TLS, set SLUICE_AGENT_BEHIND_PROXY=1 too.',
    );
  }
  if (behindProxy && (!plaintext || (environment['SLUICE_AGENT_PUBLIC_ADDRESS'] ?? '') === '')) {
    problems.push(
      'SLUICE_AGENT_BEHIND_PROXY: set SLUICE_AGENT_PLAINTEXT=1, and SLUICE_AGENT_PUBLIC_ADDRESS to the proxy as agents reach it.',
    );
  }
  problems.push(...tlsProblems(environment, 'SLUICE_API_TLS', environment['SLUICE_API_TLS'] === 'off'));
  problems.push(...tlsProblems(environment, 'SLUICE_AGENT_TLS', plaintext));
  if (!parsed.success || problems.length > 0) throw wrong(problems);
  const env = parsed.data;
  return Object.freeze({
    dataDir: resolve(env.SLUICE_DATA_DIR ?? join(homedir(), '.local', 'share', 'sluice')),
    databaseUrl: env.DATABASE_URL,
    api: apiOf(env),
    agents: agentsOf(env),
    metricProviders: Object.freeze(env.SLUICE_METRIC_PROVIDERS),
    run: Object.freeze({ drainMs: Math.round(env.SLUICE_DRAIN_SECONDS * 1000) }),
    retention: Object.freeze({ historyDays: env.SLUICE_RETENTION_DAYS, workDays: env.SLUICE_WORK_RETENTION_DAYS }),
    log: Object.freeze({ level: env.SLUICE_LOG_LEVEL, format: env.SLUICE_LOG_FORMAT }),
  });
}

function agentsOf(env: z.output<typeof schema>): OrchestratorConfig['agents'] {
  const { SLUICE_AGENT_TLS_CERT_FILE: certFile, SLUICE_AGENT_TLS_KEY_FILE: keyFile } = env;
  return Object.freeze({
    address: parseAddress(env.SLUICE_AGENT_ADDRESS) ?? { host: '', port: 0 },
    publicAddress: env.SLUICE_AGENT_PUBLIC_ADDRESS,
    plaintext: env.SLUICE_AGENT_PLAINTEXT === '1',
    behindProxy: env.SLUICE_AGENT_BEHIND_PROXY === '1',
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
    caFile: env.SLUICE_AGENT_CA_FILE,
    certificateMs: env.SLUICE_AGENT_CERTIFICATE_DAYS * 24 * 60 * 60 * 1000,
    install: Object.freeze({ chart: env.SLUICE_AGENT_CHART, image: env.SLUICE_AGENT_IMAGE }),
  });
}

function apiOf(env: z.output<typeof schema>): ApiConfig {
  const address = parseAddress(env.SLUICE_API_ADDRESS) ?? { host: '', port: 0 };
  const isLocal = isLoopback(address.host);
  return Object.freeze({
    address,
    publicUrl: env.SLUICE_API_PUBLIC_URL,
    requiresToken: env.SLUICE_API_AUTH === 'required' || !isLocal,
    tls: tlsOf(env, isLocal),
  });
}

function tlsOf(env: z.output<typeof schema>, isLocal: boolean): ApiTls {
  const { SLUICE_API_TLS_CERT_FILE: certFile, SLUICE_API_TLS_KEY_FILE: keyFile } = env;
  if (env.SLUICE_API_TLS === 'off') return { kind: 'off' };
  if (certFile !== undefined && keyFile !== undefined) return { kind: 'files', certFile, keyFile };
  return { kind: isLocal ? 'off' : 'builtIn' };
}

/** @param name of the setting that the two files belong to. @param isOff there is no TLS to have a certificate for. */
function tlsProblems(
  environment: Readonly<Record<string, string | undefined>>,
  name: 'SLUICE_API_TLS' | 'SLUICE_AGENT_TLS',
  isOff: boolean,
): string[] {
  const [cert, key] = [`${name}_CERT_FILE`, `${name}_KEY_FILE`];
  const isGiven = (each: string): boolean => (environment[each] ?? '') !== '';
  if (isGiven(cert) !== isGiven(key)) return [`${cert} and ${key} go together: one is missing.`];
  if (!isGiven(cert) || !isOff) return [];
  const off = name === 'SLUICE_API_TLS' ? 'SLUICE_API_TLS is off' : 'SLUICE_AGENT_PLAINTEXT is 1';
  return [`${off}, and ${cert} names a certificate: unset one of them.`];
}

export function parseAddress(text: string): Address | undefined {
  const [, six, name, port] = HOST_PORT.exec(text) ?? [];
  const host = six ?? name;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** host:port, an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function sentencesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${key} is not a setting of the orchestrator.`);
  return [`${issue.path.join('.')} ${issue.message}.`];
}

function wrong(problems: string[]): SluiceError {
  const lines = problems.map((problem) => `  - ${problem}`).join('\n');
  return new SluiceError('CONFIG', `The orchestrator's configuration is wrong:\n${lines}`, { disposition: 'stalled' });
}
