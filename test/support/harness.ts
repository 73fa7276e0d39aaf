/** Orchestrator, agents and CLI as a user runs them, each a process of its own; everything is gone afterwards. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Child, node, repository } from './child.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { freePort } from './free-port.ts';

export interface OrchestratorOptions {
  /** More of its environment, for example SLUICE_METRIC_PROVIDERS. */
  env?: Record<string, string>;
  /** host:port as agents elsewhere reach it; default: its own loopback address. */
  publicAddress?: (agentPort: number) => Promise<string>;
}

interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

interface CliOptions {
  /** Output goes to this process's own terminal; the result holds none of it. */
  inherit?: boolean;
  cwd?: string;
  signal?: AbortSignal;
}

export interface Orchestrator extends AsyncDisposable {
  /** Of the HTTP API. */
  url: string;
  agentPort: number;
  /** Scratch of this orchestrator and its agents: data, logs, credentials. */
  folder: string;
  readonly pid: number;
  log(): string;
  /** As a crash; its embedded database lives on. */
  kill9(): Promise<void>;
  /** Starts it again (after `kill9`, or stopping it first) on the same ports and data; returns once it is ready. */
  restart(): Promise<void>;
  /** Runs the CLI against it. Never rejects for an exit code. */
  sluice(args: string[], options?: CliOptions): Promise<CliResult>;
  /** `sluice agents add`; returns the path of the credential. */
  addAgent(account: string): Promise<string>;
  /** An agent from its source, connected when this returns. */
  startAgent(options: AgentOptions): Promise<Agent>;
  /** Stops agents and orchestrator as an operator would, and removes everything. */
  stop(): Promise<void>;
}

interface AgentOptions {
  account: string;
  /** What `addAgent` returned; without it the agent is added first. */
  credential?: string;
  kubeconfig: string;
  namespaces: string[];
  env?: Record<string, string>;
}

export interface Agent extends AsyncDisposable {
  readonly pid: number;
  log(): string;
  kill9(): Promise<void>;
  /** Starts it again; returns once it is connected. */
  restart(): Promise<void>;
  /** Starts it after `kill9` where no orchestrator answers; returns once it runs. */
  startAlone(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an orchestrator with an embedded database of its own; returns once it is ready. */
export async function startOrchestrator(options: OrchestratorOptions = {}): Promise<Orchestrator> {
  const scratch = makeScratch('orchestrator');
  try {
    return await startIn(scratch, options);
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

async function startIn(scratch: Scratch, { env = {}, publicAddress }: OrchestratorOptions): Promise<Orchestrator> {
  const { folder } = scratch;
  // Chosen here, since a restart has to find the same ones.
  const [apiPort, agentPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${apiPort}`;
  const child = new Child({
    name: 'orchestrator',
    folder,
    args: ['src/orchestrator/main.ts'],
    env: {
      SLUICE_DATA_DIR: join(folder, 'data'),
      SLUICE_API_ADDRESS: `127.0.0.1:${apiPort}`,
      SLUICE_AGENT_ADDRESS: `127.0.0.1:${agentPort}`,
      ...(publicAddress === undefined ? {} : { SLUICE_AGENT_PUBLIC_ADDRESS: await publicAddress(agentPort) }),
      ...env,
    },
  });
  const start = async (): Promise<void> => {
    const before = child.log().length;
    await child.start();
    await child.until('it is ready', () =>
      child.log().slice(before).includes('orchestrator is ready') ? true : undefined,
    );
  };
  await start();
  const agents: Agent[] = [];
  const sluice: Orchestrator['sluice'] = (args, cli) => runCli(url, args, cli);
  const stop = async (): Promise<void> => {
    try {
      await Promise.all(agents.map((agent) => agent.stop()));
      await child.stop();
    } finally {
      await scratch.remove();
    }
  };
  return {
    url,
    agentPort,
    folder,
    get pid() {
      return child.pid;
    },
    log: () => child.log(),
    kill9: () => child.kill9(),
    restart: async () => {
      await child.stop();
      await start();
    },
    sluice,
    addAgent: (account) => addAgent(sluice, folder, account),
    startAgent: async (agentOptions) => {
      const credential = agentOptions.credential ?? (await addAgent(sluice, folder, agentOptions.account));
      const agent = await startAgent(folder, `127.0.0.1:${agentPort}`, credential, agentOptions);
      agents.push(agent);
      return agent;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function addAgent(sluice: Orchestrator['sluice'], folder: string, account: string): Promise<string> {
  const path = join(folder, `credential-${account}.json`);
  const { code, stdout, stderr } = await sluice(['agents', 'add', account, '--out', path]);
  if (code !== 0) throw new Error(`sluice agents add ${account} ended with ${code}: ${stdout}${stderr}`);
  return path;
}

async function startAgent(folder: string, server: string, credential: string, options: AgentOptions): Promise<Agent> {
  const child = new Child({
    name: `agent-${options.account}`,
    folder,
    args: ['src/agent/main.ts'],
    env: {
      SLUICE_CREDENTIAL_FILE: credential,
      SLUICE_SERVER: server,
      SLUICE_KUBECONFIG: options.kubeconfig,
      SLUICE_ALLOWED_NAMESPACES: options.namespaces.join(','),
      ...options.env,
    },
  });
  const startUntil = async (what: string, line: string): Promise<void> => {
    const before = child.log().length;
    await child.start();
    await child.until(what, () => (child.log().slice(before).includes(line) ? true : undefined));
  };
  const start = (): Promise<void> => startUntil('it is connected', 'session started');
  await start();
  return {
    get pid() {
      return child.pid;
    },
    log: () => child.log(),
    kill9: () => child.kill9(),
    restart: async () => {
      await child.stop();
      await start();
    },
    startAlone: () => startUntil('it runs', 'agent started'),
    stop: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

/** Runs the CLI from its source. With `inherit` it has this process's terminal. */
async function runCli(url: string, args: string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(node, [join(repository, 'src/cli/main.ts'), ...args], {
    cwd: options.cwd ?? repository,
    env: { ...process.env, SLUICE_URL: url },
    stdio: options.inherit === true ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, ...output };
}
