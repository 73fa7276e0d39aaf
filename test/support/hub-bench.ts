/** A hub on a real store and a real port, and agents that dial it: what the hub's tests share. */

import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import type { HubStream } from '../../src/protocol/service.ts';
import type { Operation } from '../../src/protocol/operation.ts';
import { Hub } from '../../src/orchestrator/hub/hub.ts';
import type { HubOptions } from '../../src/orchestrator/hub/hub.ts';
import { startHubServer } from '../../src/orchestrator/hub/server.ts';
import type { HubServer } from '../../src/orchestrator/hub/server.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import type { Authority } from '../../src/orchestrator/security/authority.ts';
import { addAgent } from '../../src/orchestrator/security/credential.ts';
import type { AgentCredential } from '../../src/orchestrator/security/credential.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import type { OpenStore } from '../../src/orchestrator/store/store.ts';
import { makeScratch } from './scratch.ts';
import type { Scratch } from './scratch.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Presents } from './scripted-agent.ts';

export type BenchOptions = { tls?: boolean } & Partial<Omit<HubOptions, 'store'>>;

export class HubBench {
  folder = '';
  store!: OpenStore;
  authority!: Authority;
  hub!: Hub;
  server!: HubServer;
  /** The credential of the account `east`, new for each test. */
  east!: AgentCredential;
  #scratch: Scratch | undefined;
  #agents: ScriptedAgent[] = [];
  #operations = 0;
  readonly #streams = new Set<HubStream>();

  /** Starts and stops it around each test of the file. */
  constructor() {
    beforeAll(async () => {
      this.#scratch = makeScratch('hub');
      this.folder = join(this.#scratch.folder, 'data');
      this.store = await openStore({ dataDir: this.folder, log: silentLog });
      this.authority = await loadAuthority({ dataDir: this.folder, hosts: [], now: Date.now });
    });
    beforeEach(async () => {
      await this.store.pool.query('truncate sluice.operation, sluice.agent, sluice.alert');
      this.east = await this.add('east');
      await this.start();
    });
    afterEach(async () => {
      for (const agent of this.#agents.splice(0)) agent.cut();
      await this.server.stop();
    });
    afterAll(async () => {
      await this.store.close();
      await this.#scratch?.remove();
    });
  }

  add(account: string): Promise<AgentCredential> {
    return addAgent(this.store, this.authority, '127.0.0.1:0', account);
  }

  async start({ tls = false, ...options }: BenchOptions = {}): Promise<void> {
    this.hub = new Hub({ store: this.store, clock: systemClock, log: silentLog, heartbeatMs: 15_000, ...options });
    await this.hub.start();
    this.#countStreams(this.hub);
    const address = { host: '127.0.0.1', port: 0 };
    this.server = await startHubServer({ hub: this.hub, address, authority: tls ? this.authority : undefined });
  }

  /** Calls of `Connect` that the server has not let go of. */
  get openStreams(): number {
    return this.#streams.size;
  }

  #countStreams(hub: Hub): void {
    const connect = hub.connect.bind(hub);
    hub.connect = (stream) => {
      this.#streams.add(stream);
      stream.once('close', () => this.#streams.delete(stream));
      return connect(stream);
    };
  }

  async restart(options: BenchOptions = {}): Promise<void> {
    await this.server.stop();
    await this.start(options);
  }

  /** A new agent on a connection of its own. Default: with east's token. */
  dial(presents: Presents = { token: this.east.token }): ScriptedAgent {
    const agent = new ScriptedAgent(this.server.port, presents);
    this.#agents.push(agent);
    return agent;
  }

  operation(fields: Partial<Operation> = {}): Operation {
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'shop' };
    const id = `op-${++this.#operations}`;
    const notAfterMs = Date.now() + 60_000;
    return { id, deploymentId: 'dep_1', namespace: 'shop', notAfterMs, spec: { kind: 'get', object }, ...fields };
  }
}
