/** The agent at a hub that does not read: nothing piles up, the session is ended and said, and what counts afterwards is the newest. */

import { setTimeout as delay } from 'node:timers/promises';
import { Metadata, credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Dispatcher } from '../../src/agent/dispatch/dispatcher.ts';
import { Guards } from '../../src/agent/guard/guards.ts';
import { Health } from '../../src/agent/health/health.ts';
import { openClusterAccess } from '../../src/agent/kubernetes/cluster-access.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { Resources } from '../../src/agent/kubernetes/resources.ts';
import { Session } from '../../src/agent/stream/session.ts';
import type { SessionEnd } from '../../src/agent/stream/session-end.ts';
import { OPERATION_KINDS } from '../../src/protocol/operation-codec.ts';
import { AgentHubClient, CLIENT_CHANNEL_OPTIONS, LIMITS } from '../../src/protocol/service.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { openKube } from '../support/kube.ts';
import type { Kube } from '../support/kube.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { configMap, deployment } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';

const BEAT_MS = LIMITS.heartbeatMs;
const WEB = '/apis/apps/v1/namespaces/shop/deployments/web';
/** More than the streams of either end (16 messages each) and the connection's windows take. */
const LARGE = 'x'.repeat(200_000);
const READS = 48;

let plane: ControlPlane;
let kube: Kube;
let hub: SmallHub;
let agent: ManualAgent;

beforeAll(async () => {
  plane = await startControlPlane();
  kube = await openKube(plane.kubeconfig);
  await plane.token('shop', 'somebody');
  await plane.api.call('POST', '/apis/apps/v1/namespaces/shop/deployments', deployment('web', 0));
  await plane.api.call('POST', '/api/v1/namespaces/shop/configmaps', configMap('large', { text: LARGE }));
});

afterAll(async () => {
  kube?.[Symbol.dispose]();
  await plane?.stop();
});

beforeEach(async () => {
  hub = await new SmallHub({ acknowledges: false }).listen();
  agent = await ManualAgent.start(plane.kubeconfig, hub);
  const nothing = { services: [], routes: [], profiles: [], jobs: [] };
  hub.watch({ id: 'web', namespace: 'shop', deployment: 'web', ...nothing });
  await hub.snapshot('a whole picture', ({ complete }) => complete);
});

afterEach(async () => {
  agent.stop();
  await hub[Symbol.asyncDispose]();
});

/** All that an agent is but its configuration and its connect loop, by a clock that the test turns. */
class ManualAgent {
  readonly clock = new ManualClock();
  readonly ends: SessionEnd[] = [];
  readonly health: Health;
  readonly #dispatcher: Dispatcher;
  readonly #guards: Guards;
  readonly #api: KubeApi;
  #session: Session | undefined;
  #client: AgentHubClient | undefined;
  /** Bytes given to the transport in this session, and signs of life of the hub in all. */
  written = 0;
  heard = 0;

  private constructor(api: KubeApi) {
    const { clock } = this;
    const [log, random] = [silentLog, Math.random];
    this.#api = api;
    const cluster = { api, resources: new Resources(api) };
    const policy = { allowedNamespaces: ['shop'] };
    const onNews = (id: string): void => this.#session?.announce(id);
    this.health = new Health({ api, clock, log, random, ...policy, onNews });
    this.#guards = new Guards({ cluster, health: this.health, clock, log, random, policy });
    this.#guards.start();
    this.#dispatcher = new Dispatcher({
      cluster,
      policy,
      guards: this.#guards,
      clock,
      log,
      credit: LIMITS.credit,
      onStatus: (each, epoch) => this.#session?.sendStatus(each, epoch),
    });
  }

  static async start(kubeconfig: string, to: SmallHub): Promise<ManualAgent> {
    const access = await openClusterAccess({ kind: 'kubeconfig', path: kubeconfig });
    const made = new ManualAgent(new KubeApi(access, systemClock));
    await made.connect(to);
    return made;
  }

  /** @param reads false: the hub reads Hello, and nothing after it. */
  async connect(to: SmallHub, reads = true): Promise<void> {
    const [hellos, heard] = [to.hellos.length, this.heard];
    this.#client?.close();
    // The old one may end later than the new one begins: it is not asked.
    to.stream = undefined;
    this.#client = new AgentHubClient(`127.0.0.1:${to.port}`, credentials.createInsecure(), CLIENT_CHANNEL_OPTIONS);
    const stream = this.#client.Connect(new Metadata());
    this.written = 0;
    const write = stream.write.bind(stream);
    stream.write = (encoded: Buffer) => {
      this.written += encoded.byteLength;
      return write(encoded);
    };
    const session = new Session({
      stream,
      hello: {
        instanceId: 'manual',
        protocolMin: 1,
        protocolMax: 1,
        capabilities: [...OPERATION_KINDS, 'snapshot'],
        credit: LIMITS.credit,
      },
      dispatcher: this.#dispatcher,
      health: this.health,
      clock: this.clock,
      log: silentLog,
      onWelcome: () => undefined,
      onAlive: () => void (this.heard += 1),
    });
    this.#session = session;
    void session.ended.then((end) => this.ends.push(end));
    await to.until('Hello', () => to.hellos.length > hellos);
    if (!reads) stopReading(to);
    await vi.waitUntil(() => this.heard > heard, { interval: 5, timeout: 10_000 });
  }

  stop(): void {
    this.#session?.close();
    this.#client?.close();
    this.#guards.stop();
    this.health.stop();
    this.#dispatcher.stop();
    this.#api.close();
  }
}

/** Asks for more than is read, and waits until the transport takes nothing more. */
async function fill(): Promise<void> {
  hub.stream?.pause();
  const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'large' };
  for (let read = 0; read < READS; read++) {
    hub.deliver(hub.operation('shop', { kind: 'get', object }, { notAfterMs: Date.now() + 3_600_000 }));
  }
  await blocked();
}

function stopReading(of: SmallHub): void {
  of.stream?.pause();
}

async function blocked(): Promise<void> {
  for (let same = 0, last = -1; same < 10;) {
    await delay(50);
    same = agent.written === last && last > 0 ? same + 1 : 0;
    last = agent.written;
  }
}

/** The workload changes, and the agent's watch has brought it. */
async function change(replicas: number): Promise<void> {
  await kube.call('PATCH', WEB, { spec: { replicas } }, 'application/merge-patch+json');
  await expect.poll(() => agent.health.snapshot('web')?.deployment?.desired, { timeout: 10_000 }).toBe(replicas);
}

/** A heartbeat of the hub's, which writes although it does not read; then the agent's time goes on. */
async function beat(): Promise<void> {
  const { heard } = agent;
  hub.send({ body: 'heartbeat', heartbeat: { atMs: 0 } });
  await expect.poll(() => agent.heard).toBeGreaterThan(heard);
  agent.clock.advance(BEAT_MS);
}

test('ten minutes unread: each session is ended and said after three heartbeats, nothing piles up, and the newest comes', async () => {
  await fill();
  const first = agent.written;
  let most = 0;
  globalThis.gc?.();
  const before = process.memoryUsage();
  let sessions = 1;
  for (let passedMs = 0, replicas = 1; passedMs < 600_000; passedMs += BEAT_MS, replicas++) {
    const { written } = agent;
    await change(replicas);
    await beat();
    if (agent.ends.length < sessions) {
      most = Math.max(most, agent.written - written);
      continue;
    }
    await agent.connect(hub, false);
    sessions += 1;
    await blocked();
  }
  const { rss, heapUsed } = process.memoryUsage();
  const grown = { rss: (rss - before.rss) / 2 ** 20, heap: (heapUsed - before.heapUsed) / 2 ** 20 };
  process.stdout.write(
    `ten minutes unread: ${sessions} sessions; ${first} bytes given to the transport at first, at most ${most} more in a ` +
      `heartbeat; process (agent, hub and test) grown by ${grown.rss.toFixed(1)} MiB, heap ${grown.heap.toFixed(1)} MiB\n`,
  );
  expect(sessions).toBeGreaterThanOrEqual(8);
  for (const end of agent.ends) {
    expect(end).toMatchObject({ kind: 'lost', code: 'STALLED', message: expect.stringContaining('has read nothing') });
    expect(end.welcomedForMs).toBeGreaterThan(3 * BEAT_MS);
    expect(end.welcomedForMs).toBeLessThanOrEqual(5 * BEAT_MS);
  }
  // What is blocked is blocked: no picture, no heartbeat, no result is pushed after it.
  expect(most).toBe(0);
  expect(first).toBeLessThan(READS * LARGE.length);
  expect(grown.rss).toBeLessThan(150);

  hub.acknowledges = true;
  await agent.connect(hub);
  await change(77);
  agent.clock.advance(1_000);
  const last = await hub.snapshot('the newest picture', ({ deployment: seen }) => seen?.desired === 77);
  expect(last.snapshot.version).toBe(Math.max(...hub.snapshots.map(({ snapshot }) => snapshot.version)));
  await hub.until('every result', () => hub.results.size === READS);
  for (const [each] of hub.results.values()) expect(each).toMatchObject({ state: 'succeeded' });
});

test('half a minute unread: the session goes on, and of fifty pictures the newest comes', async () => {
  await fill();
  const before = hub.snapshots.length;
  for (let replicas = 100; replicas < 150; replicas++) {
    await change(replicas);
    agent.clock.advance(600);
  }
  await beat();
  hub.acknowledges = true;
  hub.stream?.resume();
  await hub.snapshot('the newest picture', ({ deployment: seen }) => seen?.desired === 149);
  await hub.until('every result', () => hub.results.size === READS);
  expect(agent.ends).toEqual([]);
  // What the API server tells of the last changes may come after the stream is read again: a few more, never the fifty.
  expect(hub.snapshots.length - before).toBeLessThan(20);
});
