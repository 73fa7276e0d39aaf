/** Anyone who waits for a build or a start sees for what, since when, and how long it usually takes. */

import { expect, test } from 'vitest';
import { elapsedOf, ProgressLines, showDuration, showSeconds, type Screen } from '../../cluster/progress.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const clear = '\r\u001B[K';

function lines(screen: Omit<Screen, 'write'>): { written: string[]; progress: ProgressLines; clock: ManualClock } {
  const written: string[] = [];
  const clock = new ManualClock();
  const progress = new ProgressLines({ ...screen, write: (text) => void written.push(text) }, '  ', clock);
  return { written, progress, clock };
}

test.each([
  [4.4, '4 s'],
  [60, '1 min'],
  [95, '95 s'],
  [300, '5 min'],
  [340, '5 min 40 s'],
])('%d seconds read as %s', (seconds, text) => {
  expect(showSeconds(seconds)).toBe(text);
});

test('a duration has tenths below ten seconds', () => {
  expect([0.04, 9.94, 35.2].map(showDuration)).toEqual(['0.0 s', '9.9 s', '35 s']);
});

test('elapsed time is shown beside the expected time, and what is slow is marked', () => {
  expect(elapsedOf(90, 300)).toBe('90 s of about 5 min');
  expect(elapsedOf(600, 300)).toBe('10 min of about 5 min, slower than usual');
});

test('without a terminal there is a line at the start, every half minute and at the end', async () => {
  const { written, progress, clock } = lines({ isTerminal: false });
  const { promise, resolve } = Promise.withResolvers<string>();
  const built = progress.during('building etcd', 65, () => promise);
  clock.advance(29_999);
  expect(written).toEqual(['  building etcd ... about 65 s\n']);
  clock.advance(1);
  clock.advance(30_000);
  expect(written.slice(1)).toEqual([
    '  building etcd ... 30 s of about 65 s\n',
    '  building etcd ... 1 min of about 65 s\n',
  ]);
  clock.advance(2_000);
  resolve('/path');
  expect(await built).toBe('/path');
  expect(written.slice(3)).toEqual(['  building etcd ... done after 62 s\n']);
  clock.advance(60_000);
  expect(written).toHaveLength(4);
});

test('on a terminal one line is rewritten each second, with everything that runs', async () => {
  const { written, progress, clock } = lines({ isTerminal: true, columns: 100 });
  const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const mesh = progress.during('starting the mesh', 3, () => ends[0].promise);
  const prometheus = progress.during('starting Prometheus', 2, () => ends[1].promise);
  clock.advance(1_000);
  expect(written.at(-1)).toBe(
    `${clear}  starting the mesh ... 1 s of about 3 s, starting Prometheus ... 1 s of about 2 s`,
  );
  clock.advance(1_000);
  ends[0].resolve();
  await mesh;
  expect(written).toContain(`${clear}  starting the mesh ... done after 2.0 s\n`);
  expect(written.at(-1)).toBe(`${clear}  starting Prometheus ... 2 s of about 2 s`);
  ends[1].resolve();
  await prometheus;
  expect(written.at(-1)).toBe(clear);
});

test('a rewritten line never wraps', () => {
  const { written, progress } = lines({ isTerminal: true, columns: 30 });
  void progress.during('starting the load generator', 3, () => new Promise(() => {}));
  expect(written).toEqual([`${clear}  starting the load generato…`]);
});

test('a terminal without a size counts as 80 columns', () => {
  const { written, progress } = lines({ isTerminal: true, columns: 0 });
  void progress.during('building etcd', 65, () => new Promise(() => {}));
  expect(written).toEqual([`${clear}  building etcd ... 0 s of about 65 s`]);
});

test('a line that stays appears above the one that is rewritten', () => {
  const { written, progress } = lines({ isTerminal: true, columns: 80 });
  void progress.during('building etcd', 65, () => new Promise(() => {}));
  progress.say('another process is building etcd');
  expect(written.slice(1)).toEqual([
    `${clear}  another process is building etcd\n`,
    `${clear}  building etcd ... 0 s of about 65 s`,
  ]);
});

test('what fails is not reported as done, and its line is removed', async () => {
  const { written, progress, clock } = lines({ isTerminal: true, columns: 80 });
  const work = progress.during('starting the mesh', 3, () => Promise.reject(new Error('no')));
  await expect(work).rejects.toThrow('no');
  expect(written.join('')).not.toContain('done');
  expect(written.at(-1)).toBe(clear);
  const { length } = written;
  clock.advance(60_000);
  expect(written).toHaveLength(length);
});
