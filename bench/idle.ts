/** What an agent asks of the API server while nothing happens: with a watch, an armed guard and a session, through a door that counts. */

import { setTimeout as delay } from 'node:timers/promises';
import { startControlPlane } from '../test/cluster/control-plane.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { guardedShop } from '../test/support/guarded-shop.ts';
import { KubeGate } from '../test/support/kube-gate.ts';
import { makeScratch } from '../test/support/scratch.ts';
import { SmallHub } from '../test/support/small-hub.ts';
import { rowOf, type Row } from './measure.ts';
import { startAgentProcess } from './small-orchestrator.ts';

const namespace = 'bench';
/** A watch lives 4 to 8 minutes: some of them are begun anew within this. */
const minutes = 6;

export async function idle(): Promise<Row[]> {
  await using plane = await startControlPlane();
  await installCrds(plane.api);
  using shop = await guardedShop(plane, namespace);
  await using gate = await KubeGate.open(plane.kubeconfig);
  await using scratch = makeScratch('bench-agent');
  await using hub = await new SmallHub().listen();
  const credential = { account: 'bench', token: 'token' } as never;
  const plain = { SLUICE_SERVER: `127.0.0.1:${hub.port}`, SLUICE_INSECURE_LOOPBACK: '1' };
  const isThere = (): boolean => hub.heartbeats > 0;
  await using _agent = await startAgentProcess(scratch.folder, credential, gate.kubeconfig, namespace, isThere, plain);
  hub.watch({
    id: 'run',
    namespace,
    deployment: 'web',
    services: ['web-stable', 'web-canary'],
    split: 'web',
    routes: ['web'],
    profiles: [],
    jobs: [],
  });
  await hub.value(namespace, shop.guard());
  await hub.snapshot('a whole picture', ({ complete }) => complete);
  await delay(10_000);
  gate.requests.splice(0);
  const watches: number[] = [];
  const others: number[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    await delay(60_000);
    const seen = gate.requests.splice(0);
    const rest = seen.filter(({ path }) => !path.includes('watch=true'));
    for (const { method, path } of rest) console.log(`idle: ${method} ${path}`);
    watches.push(seen.length - rest.length);
    others.push(rest.length);
  }
  return [
    rowOf('idle', 'API requests but watches', others, 0, '/min'),
    rowOf('idle', 'watches begun anew', watches, null, '/min'),
  ];
}
