/** From the event that a canary's container crashed to its TrafficSplit stored with weight 0: by the agent's guard, whoever else is alive. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Operation, OperationSpec } from '../src/protocol/operation.ts';
import { startControlPlane } from '../test/cluster/control-plane.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { guardedShop, type GuardedShop } from '../test/support/guarded-shop.ts';
import { makeScratch } from '../test/support/scratch.ts';
import { rowOf, type Row } from './measure.ts';
import { startAgentProcess, startSmallOrchestrator, type SmallOrchestrator } from './small-orchestrator.ts';

const namespace = 'bench';
const rounds = 100;
const atOnceRounds = 20;
const PICTURE_MS = 500;
const targetMs = 10;
const weight = 25;
const MERGE = 'application/merge-patch+json';
const GUARD = 'sluice.dev/guard';
const onWatch = 'guard is on watch';

export async function crashToZero(): Promise<Row[]> {
  await using plane = await startControlPlane();
  await installCrds(plane.api);
  using shop = await guardedShop(plane, namespace);
  await using scratch = makeScratch('bench-agent');
  const orchestrator = await startSmallOrchestrator();
  const { hub } = orchestrator;
  const env = { SLUICE_LOG_LEVEL: 'info' };
  const isConnected = (): boolean => hub.isConnected('bench');
  const access = [orchestrator.credential, plane.kubeconfig, namespace] as const;
  await using agent = await startAgentProcess(scratch.folder, ...access, isConnected, env);
  const events = await watchEvents(shop);
  const bare: number[] = [];

  const up: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await armByOrder(orchestrator, shop, round);
    up.push(await crash(shop, events));
    bare.push(await patch(shop, round));
  }
  await armByOrder(orchestrator, shop, rounds);
  const mark = await readMark(shop);
  await orchestrator[Symbol.asyncDispose]();

  const seen = (): number => agent.child.log().split(onWatch).length;
  const seenAfter = (before: number): Promise<true> =>
    agent.child.until('its guard is on watch', () => (seen() > before ? true : undefined));
  const dead: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = seen();
    await armAlone(shop, mark, `dead-${round}`);
    await seenAfter(before);
    dead.push(await crash(shop, events));
  }
  const restart = async (round: string): Promise<void> => {
    await agent.child.kill9();
    await armAlone(shop, mark, round);
    const before = seen();
    await agent.child.start();
    await seenAfter(before);
  };
  const restarted: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await restart(`restarted-${round}`);
    // It has seen all pods and endpoints once; nothing of what is to come has run in this process yet.
    await delay(PICTURE_MS);
    restarted.push(await crash(shop, events));
  }
  const atOnce: number[] = [];
  for (let round = 0; round < atOnceRounds; round++) {
    await restart(`at-once-${round}`);
    atOnce.push(await crash(shop, events));
  }
  events.stop();
  return [
    rowOf('crash-to-zero', 'pod status event to weight 0 stored', up, targetMs),
    rowOf('crash-to-zero', 'the same, orchestrator dead', dead, targetMs),
    rowOf('crash-to-zero', 'the same, agent just restarted as well', restarted, targetMs),
    rowOf('crash-to-zero', 'the same, the crash while it reads its first picture', atOnce, null),
    rowOf('crash-to-zero', 'bare PATCH, kept-alive connection', bare, null),
  ];
}

interface Events {
  /** The next crash that a watch of pods shows, and the next weight 0 that a watch of splits shows. */
  next(): { crashed: Promise<number>; zero: Promise<number> };
  stop(): void;
}

/** Both watches are read in this process: what their way here costs is on either side of the difference. */
async function watchEvents({ kube }: GuardedShop): Promise<Events> {
  let onCrash: (atMs: number) => void = () => {};
  let onZero: (atMs: number) => void = () => {};
  const stops = [
    await kube.watch(`/api/v1/namespaces/${namespace}/pods`, ({ type, object }) => {
      const { containerStatuses } = object['status'] as { containerStatuses?: { state?: { terminated?: object } }[] };
      if (type === 'MODIFIED' && containerStatuses?.[0]?.state?.terminated) onCrash(performance.now());
    }),
    await kube.watch(`/apis/split.smi-spec.io/v1alpha2/namespaces/${namespace}/trafficsplits`, ({ object }) => {
      const { backends } = object['spec'] as { backends: { weight: number }[] };
      if (Number(backends[1]?.weight) === 0) onZero(performance.now());
    }),
  ];
  return {
    next: () => ({
      crashed: new Promise((resolve) => (onCrash = resolve)),
      zero: new Promise((resolve) => (onZero = resolve)),
    }),
    stop: () => stops.forEach((stop) => stop()),
  };
}

async function crash(shop: GuardedShop, events: Events): Promise<number> {
  const { split, state } = await shop.look();
  if (split !== weight || state !== 'armed') throw new Error(`Not armed before the crash: ${split} %, ${state}.`);
  const { crashed, zero } = events.next();
  await shop.crash();
  const tookMs = (await zero) - (await crashed);
  await shop.until('the guard has done all', ({ finished }) => finished);
  return tookMs;
}

async function armByOrder({ hub }: SmallOrchestrator, shop: GuardedShop, round: number): Promise<void> {
  const order = async (id: string, spec: OperationSpec, more: Partial<Operation> = {}): Promise<void> => {
    const notAfterMs = Date.now() + 30_000;
    const result = await hub.execute('bench', { id, deploymentId: 'bench', namespace, notAfterMs, spec, ...more });
    if (result.state !== 'succeeded') throw new Error(`${id}: ${result.code} ${result.message}`);
  };
  await shop.well();
  await order(`disarm-${round}`, { ...shop.guard(), disarm: true }, { afterGuard: true });
  await shop.shift(weight);
  await order(`arm-${round}`, shop.guard());
}

async function readMark(shop: GuardedShop): Promise<Record<string, unknown>> {
  const split = await shop.kube.get(shop.splitPath);
  return JSON.parse(split?.metadata.annotations?.[GUARD] ?? '{}') as Record<string, unknown>;
}

/** What an order leaves in the cluster, without anybody to give it. The weights first: armed at weight 0 it has nothing to guard. */
async function armAlone(shop: GuardedShop, mark: Record<string, unknown>, operation: string): Promise<void> {
  await shop.well();
  await shop.shift(weight);
  const metadata = { labels: { [GUARD]: 'armed' }, annotations: { [GUARD]: JSON.stringify({ ...mark, operation }) } };
  await shop.kube.call('PATCH', shop.splitPath, { metadata }, MERGE);
}

async function patch(shop: GuardedShop, round: number): Promise<number> {
  const startMs = performance.now();
  await shop.kube.call('PATCH', shop.splitPath, { metadata: { annotations: { round: `${round}` } } }, MERGE);
  return performance.now() - startMs;
}
