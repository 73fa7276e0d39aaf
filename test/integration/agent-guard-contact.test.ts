/** The guard's own clock: how long the orchestrator has been silent, with time as the test wants it. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/mesh/install-crds.ts';
import { guardedShop } from '../support/guarded-shop.ts';
import type { GuardedShop } from '../support/guarded-shop.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { Guards } from '../../src/agent/guard/guards.ts';
import { Health } from '../../src/agent/health/health.ts';
import { openClusterAccess } from '../../src/agent/kubernetes/cluster-access.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { Resources } from '../../src/agent/kubernetes/resources.ts';
import type { GuardSpec, Operation } from '../../src/protocol/operation.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';

const AFTER_MS = 600_000;

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await installCrds(plane.api);
});

afterAll(async () => plane?.stop());

interface Keeper extends Disposable {
  guards: Guards;
  clock: ManualClock;
}

/** The guards of one agent, with a clock of their own. */
async function keeper(namespace: string): Promise<Keeper> {
  const api = new KubeApi(await openClusterAccess({ kind: 'kubeconfig', path: plane.kubeconfig }), systemClock);
  const random = Math.random;
  const allowedNamespaces = [namespace];
  const health = new Health({
    api,
    clock: systemClock,
    log: silentLog,
    random,
    allowedNamespaces,
    onNews: () => undefined,
  });
  const clock = new ManualClock();
  const cluster = { api, resources: new Resources(api) };
  const monotonicMs = (): number => clock.now();
  const guards = new Guards({
    cluster,
    health,
    clock,
    monotonicMs,
    log: silentLog,
    random,
    policy: { allowedNamespaces },
  });
  guards.start();
  const stop = (): void => {
    guards.stop();
    health.stop();
    api.close();
  };
  return { guards, clock, [Symbol.dispose]: stop };
}

async function arm({ guards }: Keeper, shop: GuardedShop, action: 'rollback' | 'hold'): Promise<void> {
  const spec = shop.guard({ lostContact: { afterMs: AFTER_MS, do: action } });
  const write = (body: object): Promise<unknown> =>
    shop.kube.call('PATCH', shop.splitPath, body, 'application/merge-patch+json');
  await guards.arm(operationOf(shop, spec), spec, write, AbortSignal.timeout(10_000));
}

const operationOf = ({ namespace }: GuardedShop, spec: GuardSpec): Operation => ({
  id: `arm-${namespace}`,
  deploymentId: 'd',
  namespace,
  notAfterMs: 0,
  spec,
});

test('after ten minutes without a word all traffic is on the stable; a word in time puts that off', async () => {
  using shop = await guardedShop(plane, 'lost');
  using keeping = await keeper('lost');
  const { guards, clock } = keeping;
  await arm(keeping, shop, 'rollback');
  clock.advance(AFTER_MS - 1000);
  guards.contact();
  clock.advance(AFTER_MS - 1000);
  clock.advance(999);
  // What it does it does at once: a settled operation would have been overtaken by its writes.
  await guards.refusalFor(operationOf(shop, shop.guard()), AbortSignal.timeout(1000));
  expect(await shop.look()).toMatchObject({ split: 25, route: 25, state: 'armed' });
  clock.advance(1);
  expect(await shop.until('it fires', ({ finished }) => finished)).toMatchObject({
    split: 0,
    route: 0,
    reason: 'no word from the orchestrator for 10 min',
  });
});

test('told to hold, it keeps the weights, says so once, and is armed again when the orchestrator is back', async () => {
  using shop = await guardedShop(plane, 'held');
  using keeping = await keeper('held');
  const { guards, clock } = keeping;
  await arm(keeping, shop, 'hold');
  clock.advance(AFTER_MS);
  const held = await shop.until('it holds', ({ state }) => state === 'holding');
  expect(held).toMatchObject({
    split: 25,
    route: 25,
    label: 'holding',
    reason: expect.stringContaining('the weights stay'),
  });
  const { resourceVersion } = (await shop.kube.get(shop.splitPath))!.metadata;
  clock.advance(AFTER_MS * 5);
  await shop.ready('web-canary', ['canary-2']);
  expect((await shop.kube.get(shop.splitPath))!.metadata.resourceVersion).toBe(resourceVersion);
  guards.contact();
  const back = await shop.until('it is armed again', ({ state }) => state === 'armed');
  // The orchestrator learns that it was missed.
  expect(back).toMatchObject({
    split: 25,
    label: 'armed',
    reason: expect.stringContaining('no word from the orchestrator'),
  });
  clock.advance(AFTER_MS);
  await shop.until('it holds again', ({ state }) => state === 'holding');
});

test('while it holds, a canary that breaks still loses its traffic', async () => {
  using shop = await guardedShop(plane, 'held-and-broken');
  using keeping = await keeper('held-and-broken');
  await arm(keeping, shop, 'hold');
  keeping.clock.advance(AFTER_MS);
  await shop.until('it holds', ({ state }) => state === 'holding');
  await shop.crash();
  expect(await shop.until('it fires', ({ finished }) => finished)).toMatchObject({
    split: 0,
    route: 0,
    state: 'fired',
  });
});

test('an heir counts from its own start', async () => {
  using shop = await guardedShop(plane, 'counted');
  {
    using first = await keeper('counted');
    await arm(first, shop, 'rollback');
    first.clock.advance(AFTER_MS - 1000);
  }
  using heir = await keeper('counted');
  // It has read what is stored once it can say what it refuses.
  await heir.guards.refusalFor(operationOf(shop, shop.guard()), AbortSignal.timeout(10_000));
  heir.clock.advance(AFTER_MS - 1);
  expect(await shop.look()).toMatchObject({ split: 25, state: 'armed' });
  heir.clock.advance(1);
  expect(await shop.until('it fires', ({ finished }) => finished)).toMatchObject({ split: 0, route: 0 });
});

test('a write that was on the way when it fired does not win', async () => {
  using shop = await guardedShop(plane, 'race');
  using keeping = await keeper('race');
  const { guards } = keeping;
  await arm(keeping, shop, 'rollback');
  const spec = { kind: 'apply' as const, objects: [(await shop.kube.get(shop.splitPath))!] };
  const late: Operation = { id: 'late', deploymentId: 'd', namespace: 'race', notAfterMs: 0, spec };
  // Its turn came before.
  expect(await guards.refusalFor(late, AbortSignal.timeout(1000))).toBeUndefined();
  await shop.crash();
  await shop.until('it fires', ({ finished }) => finished);
  // And its write came after.
  await shop.shift(50);
  guards.settled(late);
  expect(await shop.until('the guard has the last word', ({ split, route }) => split + route === 0)).toMatchObject({
    state: 'fired',
  });
});
