/** Several agents of one cluster, with the Role and the Lease of the chart: one acts, and when it ends another goes on. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { until } from '../cluster/api.ts';
import { installCrds } from '../cluster/mesh/install-crds.ts';
import { electedAgents, leaseName, renderChart } from '../support/elected-agents.ts';
import type { ElectedAgent } from '../support/elected-agents.ts';
import { guardedShop } from '../support/guarded-shop.ts';
import { KubeGate } from '../support/kube-gate.ts';
import { splitOf } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';
import { Dispatcher } from '../../src/agent/dispatch/dispatcher.ts';
import { openClusterAccess } from '../../src/agent/kubernetes/cluster-access.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { Resources } from '../../src/agent/kubernetes/resources.ts';
import type { OperationResult } from '../../src/protocol/operation.ts';
import { isResult } from '../../src/protocol/status-codec.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { SluiceError } from '../../src/shared/errors.ts';
import { silentLog } from '../../src/shared/log.ts';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await installCrds(plane.api);
}, 900_000);

afterAll(async () => plane?.stop());

/** Seconds of a Lease that is to run out; its leader survives two thirds of it on a machine that is busy. */
const EXPIRES = 6;
/** Of one that does not run out before the test is over. */
const STAYS = 300;

/** Requests but watches, without the names that differ. */
const taken = ({ gate }: ElectedAgent): string[] => gate.take().map((each) => each.replace(/namespaces\/[^/]+/, '-'));
const LEASE = `/apis/coordination.k8s.io/v1/-/leases/${leaseName}`;

test.concurrent(
  'after kill -9 of the one that acts the other arms its guards, connects and goes on with its operations',
  async () => {
    using shop = await guardedShop(plane, 'killed');
    await using agents = await electedAgents(plane, 'killed');
    const hub = await new SmallHub().listen();
    const first = await agents.spawn('first', hub.port, EXPIRES);
    await first.says('elected');
    const second = await agents.start('second', hub.port, EXPIRES);
    await second.says('standing by');
    await hub.connected();
    expect(await hub.value('killed', shop.guard())).toEqual({ armed: true });
    const write = hub.operation('killed', { kind: 'apply', objects: [splitOf('by-first', 100, 0)] });
    hub.deliver(write);
    expect(await hub.result(write.id)).toMatchObject({ state: 'succeeded' });

    // Nothing happens: the one renews, the other follows, and nobody asks anything else.
    for (const each of [first, second]) each.gate.take();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const renewals = taken(first);
    expect(new Set(renewals)).toEqual(new Set([`PATCH ${LEASE}`]));
    expect(renewals.length).toBeLessThanOrEqual(6);
    expect(taken(second)).toEqual([]);
    expect(hub.hellos).toHaveLength(1);
    expect(await first.status()).toMatchObject({ role: 'leader', leader: 'first', connected: true });
    expect(await second.status()).toMatchObject({ role: 'standby', leader: 'first', connected: false, guards: [] });
    expect(await second.ready()).toBe('200 ok: standing by, first leads\n');

    const killedMs = Date.now();
    first.kill('SIGKILL');
    await second.says('elected');
    await hub.until('the other is connected', () => hub.hellos.length === 2);
    await hub.connected();
    console.log(`kill -9 with a lease of ${EXPIRES} s: elected after ${(await second.says('elected')) - killedMs} ms`);
    const before = await shop.kube.get(shop.splitPath.replace(/web$/, 'by-first'));
    hub.deliver(write, hub.epoch, true);
    await hub.until('it answers for what the first one did', () => hub.results.get(write.id)?.length === 2);
    expect(hub.results.get(write.id)?.at(-1)).toMatchObject({ state: 'succeeded' });
    const after = await shop.kube.get(shop.splitPath.replace(/web$/, 'by-first'));
    expect(after?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
    expect(await second.status()).toMatchObject({ role: 'leader', guards: [{ holder: 'killed/splits/web' }] });

    // And alone, with no orchestrator any more.
    await hub[Symbol.asyncDispose]();
    await shop.crash();
    await shop.until('the heir’s guard fires', ({ split, route, finished }) => split + route === 0 && finished);
  },
);

test.concurrent(
  'one that is stopped gives the Lease back once it acts no more, and the other does not wait for its end',
  async () => {
    using shop = await guardedShop(plane, 'stopped');
    await using agents = await electedAgents(plane, 'stopped');
    const hub = await new SmallHub().listen();
    const first = await agents.start('first', hub.port, STAYS);
    await first.says('elected');
    const second = await agents.start('second', hub.port, STAYS);
    await second.says('standing by');
    await hub.connected();
    expect(await hub.value('stopped', shop.guard())).toEqual({ armed: true });
    await hub[Symbol.asyncDispose]();
    // Nobody is there to take back the traffic but the second one.
    await first.stop();
    await shop.crash();
    const crashedMs = Date.now();
    await shop.until('its guard fires', ({ split, route, finished }) => split + route === 0 && finished);
    const [endedMs, electedMs] = [await first.says('lease is given back'), await second.says('elected')];
    console.log(`given back -> elected: ${electedMs - endedMs} ms; crash -> guard done: ${Date.now() - crashedMs} ms`);
    const ending = ['agent drains', 'lease is given back', 'agent stopped'];
    expect(first.messages().filter((each) => ending.includes(each))).toEqual(ending);
    expect(second.messages().slice(0, 3)).toEqual(['agent started', 'standing by', expect.stringMatching(/^elected/)]);
    await second.stop();
    const lease = await plane.api.call('GET', agents.leasePath);
    expect(lease.body).toMatchObject({ spec: { holderIdentity: '', leaseTransitions: 2 } });
  },
);

test.concurrent('one that cannot renew ends itself, and the other acts', async () => {
  using shop = await guardedShop(plane, 'cut');
  await using agents = await electedAgents(plane, 'cut');
  await using hub = await new SmallHub().listen();
  const first = await agents.start('first', hub.port, EXPIRES);
  await first.says('elected');
  const second = await agents.start('second', hub.port, EXPIRES);
  await hub.connected();
  expect(await hub.value('cut', shop.guard())).toEqual({ armed: true });
  // Its other requests still pass.
  for (let count = 0; count < 100; count++) first.gate.hold('before', ({ path }) => path.includes('/leases/'));
  await first.says('lease is lost: this agent ends');
  await second.says('elected');
  await hub.until('the other is connected', () => hub.hellos.length === 2);
});

test.concurrent('one that was frozen past its time writes nothing when it wakes', async () => {
  using shop = await guardedShop(plane, 'frozen');
  await using agents = await electedAgents(plane, 'frozen');
  await using hub = await new SmallHub().listen();
  const first = await agents.spawn('first', hub.port, EXPIRES);
  await first.says('elected');
  await agents.start('second', hub.port, EXPIRES);
  await hub.connected();
  expect(await hub.value('frozen', shop.guard())).toEqual({ armed: true });
  first.kill('SIGSTOP');
  await shop.crash();
  await shop.until('the other’s guard fires', ({ split, route, finished }) => split + route === 0 && finished, 30_000);
  // What the first one finds when it wakes is a reason to fire.
  await shop.shift(25);
  first.gate.take();
  first.kill('SIGCONT');
  expect(await first.exit).toBe(1);
  expect(first.gate.take().filter((each) => each.startsWith('PATCH') && !each.includes('/leases/'))).toEqual([]);
  expect(await shop.look()).toMatchObject({ split: 25, route: 25 });
});

test.concurrent(
  'a process that begins anew in the pod of the one that led goes on at once; one of another pod waits',
  async () => {
    await plane.token('again', leaseName);
    await using agents = await electedAgents(plane, 'again');
    await using hub = await new SmallHub().listen();
    const holderIdentity = 'first_killed';
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: leaseName } };
    const body = { spec: { holderIdentity, leaseDurationSeconds: STAYS, renewTime: '2026-11-24T12:00:00.000000Z' } };
    await plane.api.call('DELETE', agents.leasePath);
    const made = await plane.api.call('POST', agents.leasePath.replace(`/${leaseName}`, ''), { ...lease, ...body });
    expect(made.status).toBe(201);
    const other = await agents.start('second', hub.port, STAYS);
    await other.says('standing by');
    const again = await agents.start('first', hub.port, STAYS);
    await again.says('elected');
    await hub.connected();
    expect(await other.status()).toMatchObject({ role: 'standby', leader: 'first' });
  },
);

test.concurrent(
  'where there is no Lease nobody leads, which is said with what to do; once there is one, the agent leads',
  async () => {
    using _shop = await guardedShop(plane, 'missing');
    await using agents = await electedAgents(plane, 'missing');
    await using hub = await new SmallHub().listen();
    await plane.api.call('DELETE', agents.leasePath);
    const only = await agents.start('only', hub.port, EXPIRES);
    await only.says('lease cannot be read or written');
    expect(await only.ready()).toMatch(
      /^503 cannot stand by: Lease missing\/agent-sluice-agent is not there.*helm upgrade/,
    );
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: leaseName } };
    await plane.api.call('POST', agents.leasePath.replace(`/${leaseName}`, ''), lease);
    await only.says('elected');
    await hub.connected();
    expect(only.messages().filter((each) => each.includes('cannot be read'))).toHaveLength(1);
    await until('it is ready', async () => (await only.ready()) === '200 ok\n');
  },
);

test.concurrent('told that it may, the agent makes the Lease, also under way', async () => {
  using _shop = await guardedShop(plane, 'made');
  await using agents = await electedAgents(plane, 'made', 'lease.agentCreates=true');
  await using hub = await new SmallHub().listen();
  await plane.api.call('DELETE', agents.leasePath);
  const only = await agents.start('only', hub.port, EXPIRES);
  await only.says('elected');
  await plane.api.call('DELETE', agents.leasePath);
  const holder = async (): Promise<string> => {
    const { body } = await plane.api.call('GET', agents.leasePath);
    return (body as { spec?: { holderIdentity?: string } }).spec?.holderIdentity ?? '';
  };
  await until('it is there again', async () => (await holder()).startsWith('only_'));
  expect(await only.status()).toMatchObject({ role: 'leader' });
});

test.concurrent('the chart of a single agent has no Lease, and no right to any', async () => {
  const objects = await renderChart('shop');
  expect(JSON.stringify(objects)).not.toMatch(/lease/i);
  expect(objects.map(({ kind }) => kind)).not.toContain('PodDisruptionBudget');
  expect(objects.find(({ kind }) => kind === 'Deployment')).toMatchObject({
    spec: { replicas: 1, strategy: { type: 'Recreate' } },
  });
  const several = await renderChart('shop', 'replicaCount=2');
  expect(several.find(({ kind }) => kind === 'Deployment')).toMatchObject({
    spec: { replicas: 2, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
  });
  const rights = several.filter(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-lease'));
  expect(rights.map((role) => role['rules'])).toEqual([
    [
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: [leaseName],
        verbs: ['get', 'watch', 'patch'],
      },
    ],
  ]);
});

test('told that it must not write, no webhook goes out either', async () => {
  let called = 0;
  const receiver = createServer((_request, response) => {
    called += 1;
    response.end('ok');
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  let mayWrite = true;
  const first = Promise.withResolvers<OperationResult>();
  const second = Promise.withResolvers<OperationResult>();
  const api = new KubeApi(await openClusterAccess({ kind: 'kubeconfig', path: plane.kubeconfig }), systemClock);
  const policy = { allowedNamespaces: ['shop'], http: [url] };
  const guards = {
    refusalFor: () => Promise.resolve(undefined),
    settled: () => undefined,
    arm: () => Promise.resolve(),
    disarm: () => Promise.resolve(false),
  };
  const dispatcher = new Dispatcher({
    cluster: { api, resources: new Resources(api) },
    policy,
    guards,
    clock: systemClock,
    log: silentLog,
    credit: 8,
    mayWrite: () => {
      if (!mayWrite) throw new SluiceError('UNAVAILABLE', 'Not done.', { disposition: 'retry' });
    },
    onStatus: (status) => isResult(status) && (status.id === 'one' ? first : second).resolve(status),
  });
  const spec = { kind: 'http' as const, method: 'POST', url, headers: {}, timeoutMs: 5000 };
  const operation = { deploymentId: 'd', namespace: 'shop', notAfterMs: Date.now() + 30_000, spec };
  dispatcher.take({ ...operation, id: 'one' }, 0);
  expect(await first.promise).toMatchObject({ state: 'succeeded' });
  mayWrite = false;
  dispatcher.take({ ...operation, id: 'two' }, 0);
  expect(await second.promise).toMatchObject({ state: 'failed', code: 'UNAVAILABLE' });
  expect(called).toBe(1);
  dispatcher.stop();
  api.close();
  receiver.close();
});

test('told that it must not write, the way to the API server sends no write at all, whatever was connected', async () => {
  await using gate = await KubeGate.open(plane.kubeconfig);
  const access = await openClusterAccess({ kind: 'kubeconfig', path: gate.kubeconfig });
  let mayWrite = true;
  const api = new KubeApi(access, systemClock, undefined, () => {
    if (!mayWrite) throw new SluiceError('UNAVAILABLE', 'Not written.', { disposition: 'retry' });
  });
  const path = '/api/v1/namespaces/default/configmaps';
  const body = { metadata: { name: 'before' } };
  await api.call({ method: 'POST', path, body, what: 'create before' });
  mayWrite = false;
  gate.take();
  for (const method of ['POST', 'PATCH', 'DELETE'] as const) {
    const call = api.call({ method, path: method === 'POST' ? path : `${path}/before`, body, what: 'write' });
    await expect(call).rejects.toThrow('Not written.');
  }
  expect(gate.take()).toEqual([]);
  expect(await api.call({ method: 'GET', path: `${path}/before`, what: 'read' })).toMatchObject(body);
  api.close();
});
