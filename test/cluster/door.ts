/** Speaks with the program that holds a cluster's namespaces (`door/`): one line of JSON each way. */
import type { ChildProcess, ChildProcessWithoutNullStreams, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The held namespaces. They end, with all that is in them, when `close` is called or this process ends. */
export interface Door {
  /** Aborted, with the reason, when a started program or the door itself ends before `close`. */
  broken: AbortSignal;
  /** Starts a program that stays; its output goes to `NAME.log` in the folder. */
  start(name: string, argv: readonly string[]): Promise<void>;
  /** Runs a command to its end. @throws when it fails, with its output */
  run(argv: readonly string[], input?: string): Promise<string>;
  /** A process inside, for the caller to handle; it ends with the cluster at the latest. */
  exec(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Carries TCP from a loopback port here, 0: any free one, to `host:port` inside. @returns the address here. */
  forward(target: string, port?: number): Promise<string>;
  /** Carries TCP from `address` inside to `target` here. */
  reverse(address: string, target: string): Promise<string>;
  /** Ends a carrier, by the address it listens on, and its connections. */
  stopCarrying(address: string): Promise<void>;
  /** Ends everything and waits until it is gone. */
  close(): Promise<void>;
}

interface Answer {
  id?: number;
  error?: string;
  event?: 'ready' | 'exit';
  name?: string;
  pid?: number;
  code: number;
  output?: string;
  address?: string;
}

/** Makes namespaces for the cluster in `folder`; its containers will be in a cgroup of the folder's name. */
export async function openDoor(binary: string, folder: string): Promise<Door> {
  const log = openSync(join(folder, 'door.log'), 'a');
  const child = spawn(binary, ['hold', folder], {
    stdio: ['pipe', 'pipe', log],
    // In a session of its own: Ctrl-C is the owner's to handle, and closing our end of the pipe suffices.
    detached: true,
  }) as ChildProcessWithoutNullStreams;
  closeSync(log);
  const closed = once(child, 'close');
  const broken = new AbortController();
  const pending = new Map<number, (answer: Answer) => void>();
  let closing = false;
  let lastId = 0;

  const lose = (reason: string): void => {
    if (!closing && !broken.signal.aborted) broken.abort(new Error(reason));
    for (const answer of pending.values()) answer({ code: 1, error: reason });
    pending.clear();
  };
  const ready = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.event === 'ready') resolve(answer.pid ?? 0);
      else if (answer.event === 'exit')
        lose(`${answer.name} ended with code ${answer.code}: ${tail(folder, answer.name)}`);
      else settle(pending, answer);
    });
    child.once('close', () => {
      const reason = `the cluster's door ended: ${tail(folder, 'door')}`;
      reject(new Error(reason));
      lose(reason);
    });
  });
  child.stdin.on('error', () => {}); // The door is gone: `close` says so.
  const ask = async (request: Record<string, unknown>): Promise<Answer> => {
    broken.signal.throwIfAborted();
    // Nobody would answer.
    if (closing) throw new Error('The cluster has been stopped.');
    const id = ++lastId;
    const answered = new Promise<Answer>((resolve) => pending.set(id, resolve));
    child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  };
  const pid = await ready;
  return {
    broken: broken.signal,
    start: async (name, argv) => void (await ask({ op: 'start', name, argv })),
    run: async (argv, input = '') => {
      const { code, output = '' } = await ask({ op: 'run', argv, input });
      if (code !== 0) throw new Error(`${argv.join(' ')} ended with code ${code}: ${output}`);
      return output;
    },
    exec: (argv, options = {}) => spawn(binary, ['exec', String(pid), ...argv], options),
    forward: async (target, port = 0) =>
      (await ask({ op: 'forward', address: `127.0.0.1:${port}`, target })).address ?? '',
    reverse: async (address, target) => (await ask({ op: 'reverse', address, target })).address ?? '',
    stopCarrying: async (address) => void (await ask({ op: 'close', address })),
    close: async () => {
      closing = true;
      child.stdin.end();
      await closed;
    },
  };
}

function settle(pending: Map<number, (answer: Answer) => void>, answer: Answer): void {
  const id = answer.id ?? 0;
  pending.get(id)?.(answer);
  pending.delete(id);
}

function tail(folder: string, name = ''): string {
  try {
    return readFileSync(join(folder, `${name}.log`), 'utf8').slice(-2000);
  } catch {
    return '(its log is gone)';
  }
}
