/** A folder and the processes that work in it: both are gone when this process ends, also under `kill -9`. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Scratch extends AsyncDisposable {
  folder: string;
  /** Ends every process that wrote its id to `<folder>/<name>.pid`, embedded PostgreSQL servers too; removes the folder. */
  remove(): Promise<void>;
}

/** Its standard input closes with its owner, however that ends. PostgreSQL's immediate shutdown (QUIT) takes its workers along. */
const keeper = `
cat >/dev/null
for file in "$1"/*.pid; do [ -f "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null; done
for file in "$1"/*/postgres/postmaster.pid; do [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")" 2>/dev/null; done
sleep 0.2
for try in 1 2 3 4 5; do rm -rf "$1" 2>/dev/null && break; sleep 0.5; done
`;

/** Makes the folder, with a shell beside it that waits for this process to end. */
export function makeScratch(name: string): Scratch {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
  const shell = spawn('sh', ['-c', keeper, 'sluice-scratch', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = once(shell, 'exit');
  shell.unref();
  const remove = async (): Promise<void> => {
    shell.ref();
    shell.stdin.end();
    await ended;
  };
  return { folder, remove, [Symbol.asyncDispose]: remove };
}
