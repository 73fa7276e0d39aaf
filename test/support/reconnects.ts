/** An agent and a hub, each a process of its own, between which the connection breaks again and again: what is left of it in either. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLog } from '../../src/shared/log.ts';
import { startEmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { FaultRelay } from './faults/relay.ts';
import { seed } from './seed.ts';
import { seededDice } from './faults/seeded.ts';
import { MeasuredProcess } from './measured-process.ts';
import type { Holdings } from './measured-process.ts';
import { makeScratch } from './scratch.ts';

export interface Reconnects {
  /** After so many reconnects, the first after the warm-up. */
  looks: { after: number; agent: Holdings; hub: Holdings }[];
  /** From the cut to the next Welcome, the agent's random wait of up to 100 ms included. */
  tookMs: number[];
}

const TOKEN = 'reconnect-token';
/** Pools, caches and compiled code come with the first ones. */
const WARM_UP = 300;
/** Within which what belongs to a connection that is gone is let go of: FAREWELL_MS of a session is 10 s. */
const SETTLE_MS = 12_000;

/** An agent remembers results for an hour, as it is to: only some sessions get an operation. */
const ASKS_EVERY = 10;

/** Every tenth session is cut while a read is under way, or has just been; the others as soon as they have begun. */
export async function reconnect(plane: ControlPlane, count: number, looksAt: number[]): Promise<Reconnects> {
  await using stack = new AsyncDisposableStack();
  await plane.token('shop', 'somebody');
  const scratch = stack.use(makeScratch('reconnects'));
  const { folder } = scratch;
  const postgres = await startEmbeddedServer(join(folder, 'data', 'postgres'), silentLog);
  stack.defer(() => postgres.stop());
  await mkdir(join(folder, 'hub'));
  const hub = stack.use(
    new MeasuredProcess('test/support/faults/hub-holder.ts', [join(folder, 'hub'), postgres.url, TOKEN]),
  );
  const { ready } = await hub.firstMessage<{ ready: number }>();
  const relay = stack.use(await new FaultRelay().listen());
  relay.upstream = ready;
  const credential = join(folder, 'credential.json');
  await writeFile(credential, JSON.stringify({ account: 'east', token: TOKEN }), { mode: 0o600 });
  const agent = stack.use(
    new MeasuredProcess('src/agent/main.ts', [], {
      SLUICE_SERVER: `127.0.0.1:${relay.port}`,
      SLUICE_INSECURE_LOOPBACK: '1',
      SLUICE_CREDENTIAL_FILE: credential,
      SLUICE_ALLOWED_NAMESPACES: 'shop',
      SLUICE_KUBECONFIG: plane.kubeconfig,
      SLUICE_RECONNECT_MAX_SECONDS: '0.1',
      SLUICE_LOG_LEVEL: 'error',
    }),
  );
  const welcomed = async (sessions: number): Promise<void> => {
    const endMs = performance.now() + 30_000;
    while (relay.welcomes < sessions) {
      if (performance.now() > endMs) throw new Error(`Session ${sessions} did not begin within 30 s.`);
      await delay(2);
    }
  };
  let asked = 0;
  const ask = (): void => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'kube-root-ca.crt' };
    const operation = {
      id: `op-${asked++}`,
      deploymentId: 'dep',
      namespace: 'shop',
      notAfterMs: Date.now() + 600_000,
      spec: { kind: 'get', object },
    };
    hub.tell({ execute: { account: 'east', operation } });
  };

  await welcomed(1);
  const dice = seededDice(seed);
  const looks: Reconnects['looks'] = [];
  const tookMs: number[] = [];
  for (let done = -WARM_UP; done <= count; done++) {
    if (looksAt.includes(done)) {
      await delay(SETTLE_MS);
      looks.push({ after: done, agent: await agent.report(), hub: await hub.report() });
    }
    if (done === count) break;
    if (done % ASKS_EVERY === 0) ask();
    // A moment in which the read is asked for, runs, or has been answered.
    await delay(dice.next() * 20);
    const sessions = relay.welcomes;
    const cutMs = performance.now();
    relay.cut();
    await welcomed(sessions + 1);
    if (done >= 0) tookMs.push(performance.now() - cutMs);
  }
  return { looks, tookMs };
}
