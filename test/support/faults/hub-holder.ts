/** A hub as a process of its own, on a PostgreSQL that outlives it; told what to do, and telling what it did, over IPC. */

import process from 'node:process';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { Hub } from '../../../src/orchestrator/hub/hub.ts';
import { startHubServer } from '../../../src/orchestrator/hub/server.ts';
import { saveAgent } from '../../../src/orchestrator/store/agents.ts';
import { hashToken } from '../../../src/orchestrator/security/credential.ts';
import { openStore } from '../../../src/orchestrator/store/store.ts';
import type { Operation } from '../../../src/protocol/operation.ts';

export type ToHolder = { execute: { account: string; operation: Operation } };
export type FromHolder = { ready: number } | { failed: string };

const [folder = '', databaseUrl = '', token = ''] = process.argv.slice(2);
const tell = (message: FromHolder): void => void process.send?.(message);
const store = await openStore({ dataDir: folder, databaseUrl, log: silentLog });
const known = await store.pool.query('select 1 from sluice.agent');
if (known.rowCount === 0) await saveAgent(store, 'east', hashToken(token), null);
const always = { perSecond: 10_000, burst: 10_000 };
const hub = new Hub({
  store,
  clock: systemClock,
  log: silentLog,
  limits: { handshakes: always, sessions: always, messages: always },
});
await hub.start();
const server = await startHubServer({ hub, address: { host: '127.0.0.1', port: 0 }, authority: undefined });
process.on('message', ({ execute }: ToHolder) => {
  hub
    .execute(execute.account, execute.operation)
    .catch((error: unknown) => tell({ failed: `${execute.operation.id}: ${String(error)}` }));
});
process.on('disconnect', () => process.exit(0));
tell({ ready: server.port });
