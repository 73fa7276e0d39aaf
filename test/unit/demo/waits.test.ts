/** The demo shows what it waits for, for how long, and how long that usually takes. */

import { expect, test } from 'vitest';
import { Waits } from '../../../examples/demo/waits.ts';

function screen(isTerminal: boolean): { written: string[]; waits: Waits; pass: (ms: number) => void } {
  const written: string[] = [];
  let nowMs = 0;
  const waits = new Waits({ isTerminal, write: (text) => void written.push(text) }, () => nowMs);
  return { written, waits, pass: (ms) => (nowMs += ms) };
}

test('without a terminal a wait has a line at its start and one at its end', async () => {
  const { written, waits, pass } = screen(false);
  await waits.for('the mesh', 3, async () => pass(2_400));
  expect(written).toEqual(['   waiting for the mesh: about 3 s ...\n', '   the mesh: ready after 2.4 s\n']);
});

test('on a terminal one line is rewritten, with all that is waited for', async () => {
  const { written, waits, pass } = screen(true);
  const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const both = [waits.for('the mesh', 3, () => ends[0].promise), waits.for('Prometheus', 2, () => ends[1].promise)];
  pass(2_000);
  waits.tick();
  expect(written.at(-1)).toBe('\r\u001B[K   waiting for the mesh (2 s of about 3 s), Prometheus (2 s of about 2 s)');
  ends[0].resolve();
  await both[0];
  expect(written).toContain('\r\u001B[K   the mesh: ready after 2.0 s\n');
  expect(written.at(-1)).toBe('\r\u001B[K   waiting for Prometheus (2 s of about 2 s)');
  ends[1].resolve();
  await both[1];
  expect(written.at(-1)).toBe('\r\u001B[K');
});

test('what fails is not said to be ready, and leaves no line behind', async () => {
  const { written, waits } = screen(true);
  await expect(waits.for('the mesh', 3, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(written.join('')).not.toContain('ready');
  expect(written.at(-1)).toBe('\r\u001B[K');
});
