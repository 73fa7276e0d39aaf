/** What `sluice up` starts the orchestrator with, and what it says of it. Pure. */

import type { NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import { chooseAddress } from './choose-address.ts';

export interface UpFlags {
  dataDir?: string;
  address?: string;
  api?: string;
  agent: string;
  namespaces: string;
  verbose?: boolean;
}

export interface UpPlan {
  dataDir: string;
  /** host:port as agents reach it. */
  address: string;
  /** How that was found, for people. */
  why: string;
  /** Of the orchestrator's environment. */
  settings: Record<string, string>;
}

const AGENT_PORT = 8443;
/** Whatever the environment says for orchestrators that serve others: this one keeps its own database, and serves this machine. */
const OF_ITS_OWN = {
  DATABASE_URL: '',
  SLUICE_API_AUTH: 'auto',
  SLUICE_API_TLS: 'off',
  SLUICE_API_TLS_CERT_FILE: '',
  SLUICE_API_TLS_KEY_FILE: '',
};

/** @param home of the person. */
export function planUp(
  { dataDir, address, api }: UpFlags,
  home: string,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
): UpPlan {
  const own = chooseAddress(interfaces);
  const chosen = address ?? `${own ?? '127.0.0.1'}:${AGENT_PORT}`;
  const folder = dataDir ?? join(home, '.local', 'share', 'sluice');
  const isLocal = /^(127\.|localhost:|\[::1\])/.test(chosen);
  return {
    dataDir: folder,
    address: chosen,
    why: whyOf(address !== undefined, own !== undefined),
    settings: {
      SLUICE_DATA_DIR: folder,
      SLUICE_API_ADDRESS: api ?? '127.0.0.1:8080',
      // Who is told of this machine alone is served on it alone.
      SLUICE_AGENT_ADDRESS: `${isLocal ? '127.0.0.1' : '0.0.0.0'}:${chosen.slice(chosen.lastIndexOf(':') + 1)}`,
      SLUICE_AGENT_PUBLIC_ADDRESS: chosen,
      SLUICE_LOG_FORMAT: 'json',
      SLUICE_LOG_LEVEL: 'info',
      ...OF_ITS_OWN,
    },
  };
}

function whyOf(isGiven: boolean, isFound: boolean): string {
  if (isGiven) return 'as --address says';
  return isFound
    ? "this machine's first address; another one: --address HOST:PORT"
    : 'this machine has no address but its own: no cluster reaches it. Name one: --address HOST:PORT';
}

/** One line of the orchestrator's log, as JSON. */
export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

/** Undefined: it is none. */
export function readLogLine(line: string): LogLine | undefined {
  try {
    const record = JSON.parse(line) as Partial<LogLine>;
    return typeof record.msg === 'string' && typeof record.level === 'string' ? (record as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

const URGENT = new Set(['warn', 'error', 'fatal']);

/**
 * What is said of a line of the log.
 * @returns undefined: nothing, a person need not know.
 */
export function tell(line: LogLine, verbose: boolean): string | undefined {
  const { level, msg, account, agent_version: agent, kubernetes_version: kubernetes, reason } = line;
  if (msg === 'agent connected') {
    const versions = [agent && `agent ${text(agent)}`, kubernetes && `Kubernetes ${text(kubernetes)}`];
    const known = versions.filter(Boolean).join(', ');
    return `Agent ${text(account)} is connected${known === '' ? '' : ` (${known})`}.`;
  }
  if (msg === 'agent disconnected') return `Agent ${text(account)} is gone: ${text(reason)}.`;
  if (!verbose && !URGENT.has(level)) return undefined;
  const { time: _time, name: _name, level: _level, msg: _msg, err, ...fields } = line;
  const said = messageIn(err);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${text(value)}`);
  return [`${level}: ${msg}${said === undefined ? '' : `: ${said}`}`, ...rest].join(' ');
}

function messageIn(err: unknown): string | undefined {
  const { message } = (err ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
