import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import { installTrafficSplit, splitOf } from '../support/objects.ts';
import { SmallHub } from '../support/small-hub.ts';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
  await installTrafficSplit(plane.api);
});

afterAll(async () => plane?.stop());

/** Passes bytes on to the API server and counts the connections. */
async function countingDoor(): Promise<{ kubeconfig: string; count(): number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((outer) => {
    opened += 1;
    const inner = connect(Number(new URL(plane.url).port), '127.0.0.1');
    for (const socket of [outer, inner]) {
      socket.setNoDelay(true).on('error', () => undefined);
      sockets.add(socket);
    }
    outer.pipe(inner).pipe(outer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const kubeconfig = `${plane.kubeconfig}-counted`;
  writeFileSync(kubeconfig, readFileSync(plane.kubeconfig, 'utf8').replaceAll(plane.url, `https://127.0.0.1:${port}`));
  return {
    kubeconfig,
    count: () => opened,
    async close() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

/** Watched for guards from the agent's start, in its one namespace: splits and ReplicaSets. */
const GUARD_WATCHES = 2;

test('50 reads and 200 weight writes use at most 3 connections to the API server, beside its watches', async () => {
  const door = await countingDoor();
  await using hub = await new SmallHub().listen();
  const agent = await startAgent({
    server: `127.0.0.1:${hub.port}`,
    kubeconfig: door.kubeconfig,
    namespaces: ['shop'],
  });
  await hub.connected();
  await hub.value('shop', { kind: 'apply', objects: [splitOf('web', 100, 0)] });
  const object = { apiVersion: 'split.smi-spec.io/v1alpha2', kind: 'TrafficSplit', name: 'web' };
  for (let count = 0; count < 50; count++) await hub.value('shop', { kind: 'get', object });
  const times: number[] = [];
  for (let count = 1; count <= 200; count++) {
    const body = { spec: splitOf('web', 10_000 - count, count)['spec'] };
    const sentMs = performance.now();
    await hub.value('shop', { kind: 'patch', object, type: 'merge', body });
    times.push(performance.now() - sentMs);
  }
  const used = door.count();
  times.sort((a, b) => a - b);
  console.log(
    `operation sent -> result at the hub, a weight write: p50 ${times[100]!.toFixed(2)} ms, p99 ${times[197]!.toFixed(2)} ms`,
  );
  await agent.stop();
  await door.close();
  expect(used - GUARD_WATCHES).toBeLessThanOrEqual(3);
});
