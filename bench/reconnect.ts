/** A thousand reconnects: what they leave behind in agent and hub, and how long each takes. */

import { startControlPlane } from '../test/cluster/control-plane.ts';
import type { Holdings } from '../test/support/measured-process.ts';
import { reconnect as reconnectOften } from '../test/support/reconnects.ts';
import { rowOf, type Row } from './measure.ts';

const count = 1000;
/** A leak of 1 KiB for each would be as much. */
const heapTargetKib = 1000;

export async function reconnect(): Promise<Row[]> {
  await using plane = await startControlPlane();
  const { looks, tookMs } = await reconnectOften(plane, count, [0, count]);
  const [before, after] = looks;
  if (before === undefined || after === undefined) throw new Error('It was not looked at twice.');
  const rows: Row[] = [
    rowOf('reconnect', 'cut to the next Welcome, a random wait of 0 to 100 ms within', tookMs, null),
  ];
  for (const side of ['agent', 'hub'] as const) {
    const grown = (key: keyof Holdings, divisor: number): number[] => [
      (after[side][key] - before[side][key]) / divisor,
    ];
    const all = (what: string): string => `${side}, ${what} grown by ${count} reconnects`;
    rows.push(
      rowOf('reconnect', all('heap after GC'), grown('heapUsed', 1024), heapTargetKib, 'KiB'),
      rowOf('reconnect', all('resident memory'), grown('rss', 1024), null, 'KiB'),
      rowOf('reconnect', all('open descriptors'), grown('descriptors', 1), 0, 'files'),
      rowOf('reconnect', `${side}, resident memory then`, [after[side].rss / 2 ** 20], null, 'MiB'),
    );
  }
  return rows;
}
