/** A whole orchestrator in the test's process that asks for tokens, and calls of its API by the name of a token. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../../src/orchestrator/config.ts';
import type { ResolvedFile } from '../../src/orchestrator/file/resolved.ts';
import { startOrchestrator, type Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { insertDeployment, newDeploymentId, setDeploymentState } from '../../src/orchestrator/store/deployments.ts';
import { createLog } from '../../src/shared/log.ts';
import { makeScratch, type Scratch } from './scratch.ts';

export interface Answer {
  status: number;
  code: string | undefined;
  message: string;
  body: Record<string, unknown>;
  headers: Headers;
}

/** What /v1/tokens takes, beside a name. */
type TokenOptions = { role: string } & Record<string, unknown>;

export class GuardedApi implements AsyncDisposable {
  readonly orchestrator: Orchestrator;
  readonly #scratch: Scratch;
  /** Secrets by the token's name; the first is `api-token`. */
  readonly secrets: Map<string, string>;
  readonly #log: string[];

  static async start(name: string): Promise<GuardedApi> {
    const scratch = makeScratch(name);
    const log: string[] = [];
    const config = readConfig({
      SLUICE_DATA_DIR: scratch.folder,
      SLUICE_API_ADDRESS: '127.0.0.1:0',
      SLUICE_AGENT_ADDRESS: '127.0.0.1:0',
      SLUICE_API_AUTH: 'required',
    });
    const destination = { write: (line: string): void => void log.push(line) };
    const ownLog = createLog({ name: 'orchestrator', format: 'json', level: 'debug', destination });
    const orchestrator = await startOrchestrator(config, ownLog);
    const first = (await readFile(join(scratch.folder, 'api-token'), 'utf8')).trim();
    return new GuardedApi(scratch, orchestrator, first, log);
  }

  private constructor(scratch: Scratch, orchestrator: Orchestrator, first: string, log: string[]) {
    this.#scratch = scratch;
    this.orchestrator = orchestrator;
    this.secrets = new Map([['api-token', first]]);
    this.#log = log;
  }

  /** Everything that it logged. */
  get log(): string {
    return this.#log.join('');
  }

  /** @param as a token's name, or a secret; undefined: without one. */
  async call(as: string | undefined, route: string, body?: unknown): Promise<Answer> {
    const [method = '', path = ''] = route.split(' ');
    const secret = as === undefined ? undefined : (this.secrets.get(as) ?? as);
    const response = await fetch(this.orchestrator.apiUrl + path, {
      method,
      headers: {
        'user-agent': 'a test',
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    const { code, message = '' } = (parsed['error'] ?? {}) as { code?: string; message?: string };
    return { status: response.status, code, message, body: parsed, headers: response.headers };
  }

  /** By the first token. */
  async addToken(name: string, more: TokenOptions): Promise<void> {
    const { status, message, body } = await this.call('api-token', 'POST /v1/tokens', { name, ...more });
    if (status !== 201) throw new Error(message);
    this.secrets.set(name, String(body['secret']));
  }

  /** Stored as if it ran, so that nobody takes it up: one target, whose one step is an approval. */
  async makeDeployment(application: string, requiresRoles: string[] = []): Promise<string> {
    const { store } = this.orchestrator;
    const id = newDeploymentId();
    const strategy = { name: 's', steps: [{ kind: 'approval', requiresRoles }] };
    const file = { application, targets: [{ name: 'staging', strategy }] } as unknown as ResolvedFile;
    const rollouts = [{ target: 'staging', account: 'east', namespace: 'shop', steps: 1 }];
    await insertDeployment(store, { id, application, file, source: '', createdBy: 'test', rollouts });
    await setDeploymentState(store, id, 'running');
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.orchestrator.stop();
    await this.#scratch.remove();
  }
}
