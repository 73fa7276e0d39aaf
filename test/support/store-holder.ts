/** A process that opens the store in a folder, tells one line about it, and holds it until it is ended. */

import { readPostmasterFile } from '../../src/orchestrator/store/postgres/postmaster-file.ts';
import { saveAgent } from '../../src/orchestrator/store/agents.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import { silentLog } from '../../src/shared/log.ts';

const folder = process.argv[2] ?? '';
const started = performance.now();
const store = await openStore({ dataDir: folder, log: silentLog });
await saveAgent(store, 'written-by-the-holder', 'hash', null);
const file = await readPostmasterFile(`${folder}/postgres`);
process.on('SIGTERM', () => void store.close().then(() => process.exit(0)));
process.stdout.write(
  `${JSON.stringify({ pid: file?.pid, adopted: store.adopted, ms: performance.now() - started })}\n`,
);
setInterval(() => {}, 60_000);
