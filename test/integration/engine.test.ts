/** A workflow outlives its process: what is done is not done again, what was in flight is, and nothing else is held up. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/shared/log.ts';
import { Engine } from '../../src/orchestrator/engine/engine.ts';
import { stopEmbeddedServer } from '../../src/orchestrator/store/postgres/embedded-server.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import type { OpenStore } from '../../src/orchestrator/store/store.ts';
import { makeScratch } from '../support/scratch.ts';
import type { Scratch } from '../support/scratch.ts';

let scratch: Scratch | undefined;
let folder: string;
let store: OpenStore | undefined;
const holders: ChildProcess[] = [];

beforeEach(async () => {
  scratch = makeScratch('engine');
  folder = join(scratch.folder, 'data');
});

afterEach(async () => {
  for (const holder of holders.splice(0)) holder.kill('SIGKILL');
  await store?.close();
  store = undefined;
  await stopEmbeddedServer(folder);
  await scratch?.remove();
});

interface Holder {
  child: ChildProcess;
  words: string[];
  /** Resolves when a word was said, with the milliseconds since the process was started. */
  said(word: string): Promise<number>;
  kill(): Promise<void>;
}

function hold(ids: string[], env: Record<string, string> = {}): Holder {
  const started = performance.now();
  const program = new URL('../support/engine-holder.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, folder, ...ids], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  holders.push(child);
  const words: string[] = [];
  const times = new Map<string, number>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const word of text.split('\n').filter(Boolean)) {
      words.push(word);
      times.set(word, performance.now() - started);
    }
  });
  const said = (word: string): Promise<number> =>
    expect
      .poll(() => times.get(word), { timeout: 20_000, interval: 5, message: word })
      .toBeDefined()
      .then(() => times.get(word) ?? 0);
  const kill = async (): Promise<void> => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  return { child, words, said, kill };
}

async function open(): Promise<Engine> {
  store ??= await openStore({ dataDir: folder, log: silentLog });
  return new Engine({ store, log: silentLog });
}

test('after kill -9 workflows go on where they were, and a child in flight is one child', async () => {
  const first = hold(['slow', 'quick']);
  await Promise.all([first.said('slow:wait'), first.said('quick:done')]);
  await first.kill();
  const second = hold([], { GO_ON: '1' });
  const [launched, resumed] = [await second.said('launched'), await second.said('slow:wait')];
  await second.said('parent:slow-1+quick-1');
  process.stdout.write(
    `process start to launched ${Math.round(launched)} ms, to the workflow resumed ${Math.round(resumed)} ms\n`,
  );
  expect(second.words.filter((word) => word !== 'launched' && word !== 'quick:done')).toEqual([
    'slow:wait',
    'slow:last',
    'slow:done',
    'parent:slow-1+quick-1',
  ]);
  await second.kill();
});

test('a step that waits for long holds up nobody, has no time limit, and is done again after a second kill', async () => {
  const first = hold(['slow', 'slower', 'quick']);
  await Promise.all([first.said('slow:wait'), first.said('slower:wait'), first.said('quick:done')]);
  await first.kill();
  const second = hold([]);
  await Promise.all([second.said('slow:wait'), second.said('slower:wait')]);
  await second.kill();
  const third = hold([], { GO_ON: '1' });
  await third.said('parent:slow-1+slower-1+quick-1');
  expect(third.words.filter((word) => word.endsWith(':first'))).toEqual([]);
  await third.kill();
});

test('a workflow is started once per id, and its result and error reach who asks', async () => {
  const engine = await open();
  let runs = 0;
  engine.register('once', async (input: { n: number }) => {
    await engine.step('count', async () => ++runs);
    if (input.n < 0) throw new Error('negative');
    return input.n * 2;
  });
  await engine.launch();
  await Promise.all([engine.start('once', 'w', { n: 4 }), engine.start('once', 'w', { n: 4 })]);
  await engine.start('once', 'w', { n: 5 });
  expect(await engine.result('w')).toBe(8);
  expect(runs).toBe(1);
  await engine.start('once', 'bad', { n: -1 });
  await expect(engine.result('bad')).rejects.toThrow('negative');
  expect(await engine.pending()).toEqual([]);
  await expect(engine.start('unknown', 'x', {})).rejects.toThrow('no workflow named unknown');
  await engine.stop();
});

test('a stop leaves the step in flight open: what it throws because of the stop is not its outcome', async () => {
  let attempts = 0;
  const workflow = (engine: Engine) => async (): Promise<string> =>
    engine.step('wait', async () => {
      if (++attempts > 1) return 'done in the second life';
      await once(engine.stopping, 'abort');
      throw new Error('stopped');
    });
  const first = await open();
  first.register('stops', workflow(first));
  await first.launch();
  await first.start('stops', 's', null);
  await expect.poll(() => attempts).toBe(1);
  await first.stop();
  const second = await open();
  second.register('stops', workflow(second));
  await second.launch();
  expect(await second.result('s')).toBe('done in the second life');
  await second.stop();
});

test('a change inside a workflow is taken by new runs and not by those that were past it', async () => {
  const seen: string[] = [];
  const first = await open();
  first.register('changes', async (id: string) => {
    await first.step('old', async () => seen.push(`${id}:old`));
    await first.step('wait', async () => {
      await once(first.stopping, 'abort');
      throw new Error('stopped');
    });
  });
  await first.launch();
  await first.start('changes', 'before', 'before');
  await expect.poll(() => seen).toEqual(['before:old']);
  await first.stop();
  const second = await open();
  second.register('changes', async (id: string) => {
    if (await second.patched('new-check')) await second.step('new', async () => seen.push(`${id}:new`));
    await second.step('old', async () => seen.push(`${id}:old`));
    await second.step('wait', async () => {});
  });
  await second.launch();
  await second.result('before');
  await second.start('changes', 'after', 'after');
  await second.result('after');
  expect(seen).toEqual(['before:old', 'after:new', 'after:old']);
  await second.stop();
});

test('a replay gives each step what it gave the first time, errors and infinite numbers too', async () => {
  const seen: unknown[] = [];
  const workflow = (engine: Engine) => async (): Promise<void> => {
    const number = await engine.step('number', async () => ({ value: Infinity, none: undefined }));
    const nothing = await engine.step('nothing', async () => {});
    const error = await engine
      .step('error', () => Promise.reject(new TypeError('no')))
      .catch((caught: Error) => `${caught.name}: ${caught.message}`);
    seen.push({ number, nothing, error });
    await engine.step('wait', async () => {
      if (seen.length > 1) return;
      await once(engine.stopping, 'abort');
      throw new Error('stopped');
    });
  };
  const first = await open();
  first.register('gives', workflow(first));
  await first.launch();
  await first.start('gives', 'g', null);
  await expect.poll(() => seen.length).toBe(1);
  await first.stop();
  const second = await open();
  second.register('gives', workflow(second));
  await second.launch();
  await second.result('g');
  const expected = { number: { value: Infinity }, nothing: undefined, error: 'TypeError: no' };
  expect(seen).toEqual([expected, expected]);
  await second.stop();
});

test('a run whose steps are others than recorded stays where it is, and goes on in a release that knows them', async () => {
  const done: string[] = [];
  const live = async (life: string, step: string): Promise<Engine> => {
    const engine = await open();
    engine.register('renames', async () => {
      await engine.step(step, async () => {});
      done.push(life);
      await engine.step('wait', async () => {
        if (life !== 'first') return;
        await once(engine.stopping, 'abort');
        throw new Error('stopped');
      });
      return 'done';
    });
    await engine.launch();
    return engine;
  };
  const first = await live('first', 'known');
  await first.start('renames', 'r', null);
  await expect.poll(() => done).toEqual(['first']);
  await first.stop();
  const other = await live('other', 'renamed');
  await delay(500); // longer than a resume takes
  expect(await other.pending()).toEqual(['r']);
  await other.stop();
  const third = await live('third', 'known');
  expect(await third.result('r')).toBe('done');
  expect(done).toEqual(['first', 'third']);
  await third.stop();
});

test('a recorded step costs milliseconds on the embedded database (printed, not judged)', async () => {
  const engine = await open();
  const times: number[] = [];
  engine.register('many', async (count: number) => {
    for (let index = 0; index < count; index++) {
      const started = performance.now();
      await engine.step(`step ${index}`, async () => index);
      times.push(performance.now() - started);
    }
  });
  await engine.launch();
  await engine.start('many', 'm', 200);
  await engine.result('m');
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(2);
  process.stdout.write(`recorded step: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (n ${times.length})\n`);
  expect(times).toHaveLength(200);
  await engine.stop();
});
