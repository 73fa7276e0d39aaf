/** An orchestrator, an API server and agents that keep their credential in a Secret there: what the tests of enrolment share. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import type { AgentConfig } from '../../src/agent/config.ts';
import { CredentialSecret } from '../../src/agent/enrol/credential-secret.ts';
import type { Kept } from '../../src/agent/enrol/credential-secret.ts';
import { CredentialKeeper } from '../../src/agent/enrol/keeper.ts';
import { openClusterAccess } from '../../src/agent/kubernetes/cluster-access.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { listAgents } from '../../src/orchestrator/store/agents.ts';
import type { AgentRow } from '../../src/orchestrator/store/agents.ts';
import type { Operation } from '../../src/protocol/operation.ts';
import type { KubeObject } from '../../src/protocol/kube-object.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { createLog, silentLog } from '../../src/shared/log.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from './agent.ts';
import type { TestAgent } from './agent.ts';
import { startOrchestratorHere } from './orchestrator-here.ts';

export interface Enrolling {
  account: string;
  joinToken?: string;
  /** Default: who may do anything. */
  kubeconfig?: string;
  /** Its name. Default: the account's. */
  secret?: string;
  clock?: Clock;
  config?: Partial<AgentConfig>;
}

const PATIENCE = { timeout: 10_000, interval: 20 };

export class EnrolWorld {
  plane!: ControlPlane;
  orchestrator!: Orchestrator;
  folder = '';
  #agents: TestAgent[] = [];
  #count = 0;
  readonly #apis = new Map<string, KubeApi>();

  /** Starts it for the tests of the file, and stops its agents after each. */
  constructor(environment: Record<string, string> = {}) {
    beforeAll(async () => {
      this.folder = await mkdtemp(join(tmpdir(), 'sluice-enrol-'));
      [this.plane, this.orchestrator] = await Promise.all([
        startControlPlane(),
        startOrchestratorHere(join(this.folder, 'data'), environment),
      ]);
      await this.make('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'sluice' } });
      const there = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there', namespace: 'sluice' } };
      await this.make('/api/v1/namespaces/sluice/configmaps', there);
    }, 900_000);
    afterEach(async () => {
      for (const agent of this.#agents.splice(0)) await agent.stop();
    });
    afterAll(async () => {
      for (const api of this.#apis.values()) api.close();
      await this.orchestrator?.stop();
      await this.plane?.stop();
      await rm(this.folder, { recursive: true, force: true });
    });
  }

  async make(path: string, object: KubeObject): Promise<void> {
    const { status, body } = await this.plane.api.call('POST', path, object);
    if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(body)}`);
  }

  /** A kubeconfig of a ServiceAccount that may use one Secret as the chart's may. */
  async accountFor(secret: string): Promise<string> {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/sluice';
    const metadata = { name: secret, namespace: 'sluice' };
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const rules = [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: [secret], verbs: ['get', 'create', 'patch'] },
    ];
    await this.make(`${rbac}/roles`, { apiVersion, kind: 'Role', metadata, rules });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: secret };
    const subjects = [{ kind: 'ServiceAccount', name: secret, namespace: 'sluice' }];
    await this.make(`${rbac}/rolebindings`, { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects });
    return this.plane.kubeconfigFor('sluice', secret);
  }

  async invite(account: string): Promise<string> {
    return (await this.orchestrator.office.enrolment.invite(account)).joinToken;
  }

  /** Starts an agent whose Secret is named as its account. @returns what it logs too, one record a line. */
  async start({ account, joinToken, kubeconfig, secret = account, clock, config }: Enrolling) {
    const lines: Record<string, unknown>[] = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
    const joinTokenFile = await this.#joinTokenFile(joinToken ?? '');
    const agent = await startAgent({
      server: '',
      kubeconfig: kubeconfig ?? this.plane.kubeconfig,
      namespaces: ['sluice'],
      log: createLog({ name: 'agent', format: 'json', level: 'info', destination }),
      ...(clock && { clock }),
      config: {
        server: undefined,
        plaintext: false,
        credential: { kind: 'secret', namespace: 'sluice', name: secret, joinTokenFile },
        ...config,
      },
    });
    this.#agents.push(agent);
    const stop = async (): Promise<void> => {
      this.#agents = this.#agents.filter((each) => each !== agent);
      await agent.stop();
    };
    /** The first line of what it logs that fits. */
    const says = (pattern: RegExp): Promise<string> =>
      vi.waitUntil(() => lines.map((line) => JSON.stringify(line)).find((line) => pattern.test(line)), PATIENCE);
    return { agent, lines, stop, says };
  }

  /** What keeps an account's credential, with a clock of the test's own and no agent around it. */
  async keeper(account: string, clock: Clock, joinToken = '', kubeconfig?: string): Promise<CredentialKeeper> {
    return new CredentialKeeper({
      secret: await this.#secret(account, kubeconfig),
      joinTokenFile: await this.#joinTokenFile(joinToken),
      way: { serverName: undefined, plaintext: false, proxy: undefined },
      server: undefined,
      instanceId: 'test',
      agentVersion: '0',
      clock,
      hubNow: () => clock.now(),
      random: () => 0,
      log: silentLog,
      onHolds: () => undefined,
    });
  }

  async connected(account: string): Promise<void> {
    await vi.waitUntil(() => this.orchestrator.hub.isConnected(account), PATIENCE);
  }

  async row(account: string): Promise<AgentRow | undefined> {
    return (await listAgents(this.orchestrator.store)).find((row) => row.account === account);
  }

  /** What an account's Secret holds. */
  async kept(account: string): Promise<Kept> {
    return (await this.#secret(account)).read();
  }

  /** Makes its Secret hold that, as its agent would. */
  async keep(account: string, kept: Kept): Promise<void> {
    await (await this.#secret(account)).write(kept);
  }

  async #joinTokenFile(joinToken: string): Promise<string> {
    const path = join(this.folder, `join-${++this.#count}`);
    await writeFile(path, joinToken);
    return path;
  }

  async #secret(name: string, path = this.plane.kubeconfig): Promise<CredentialSecret> {
    const api = this.#apis.get(path) ?? new KubeApi(await openClusterAccess({ kind: 'kubeconfig', path }), systemClock);
    this.#apis.set(path, api);
    return new CredentialSecret(api, { namespace: 'sluice', name });
  }

  async deleteSecret(name: string): Promise<void> {
    await this.plane.api.call('DELETE', `/api/v1/namespaces/sluice/secrets/${name}`);
  }

  /** An operation that any agent here can do. */
  operation(): Operation {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'there', namespace: 'sluice' };
    const id = `op-${++this.#count}`;
    return {
      id,
      deploymentId: 'd',
      namespace: 'sluice',
      notAfterMs: Date.now() + 60_000,
      spec: { kind: 'get', object },
    };
  }
}
