import { describe, expect, test } from 'vitest';
import {
  UNHELD,
  identityOf,
  isStillOurs,
  leaseTimes,
  nextMove,
  observe,
  podOf,
  remainingMs,
} from '../../../src/agent/lease/candidate.ts';
import type { LeaseRecord } from '../../../src/agent/lease/candidate.ts';

const times = leaseTimes(15_000);
const self = identityOf('agent-a', '1');
const other = identityOf('agent-b', '2');

const record = (more: Partial<LeaseRecord>): LeaseRecord => ({
  version: '1',
  holder: other.id,
  leaseMs: 15_000,
  renewTime: '2026-11-24T16:00:00.000000Z',
  acquireTime: '2026-11-24T16:00:00.000000Z',
  transitions: 1,
  ...more,
});

test('the durations are those of client-go', () => {
  expect(times).toEqual({ leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 });
});

describe('a candidate', () => {
  test('takes a Lease that nobody ever held, was given back, or is its own pod’s of before, at once', () => {
    const free = record({ holder: '', renewTime: '' });
    const released = record({ holder: '' });
    const predecessor = record({ holder: identityOf(self.pod, '0').id });
    for (const each of [free, released, predecessor]) {
      expect(nextMove(observe(undefined, each, self, 5000, times), 5000)).toEqual({ kind: 'take' });
    }
  });

  test('waits a whole lease from when it saw the last change, whatever the clock of the holder says', () => {
    const longAgo = record({ renewTime: '1999-01-01T00:00:00.000000Z' });
    let seen = observe(undefined, longAgo, self, 5000, times);
    expect(nextMove(seen, 5000)).toEqual({ kind: 'wait', ms: 15_000 });
    // The same again is no change.
    seen = observe(seen, { ...longAgo }, self, 12_000, times);
    expect(nextMove(seen, 19_999)).toEqual({ kind: 'wait', ms: 1 });
    seen = observe(seen, record({ version: '2' }), self, 19_999, times);
    expect(nextMove(seen, 34_998)).toEqual({ kind: 'wait', ms: 1 });
    expect(nextMove(seen, 34_999)).toEqual({ kind: 'take' });
  });

  test('waits as long as the holder promised, where that is longer than its own lease', () => {
    const seen = observe(undefined, record({ leaseMs: 60_000 }), self, 0, times);
    expect(nextMove(seen, 0)).toEqual({ kind: 'wait', ms: 60_000 });
  });

  test('is not hurried by somebody who deletes the Lease, or makes it anew, under a leader', () => {
    const held = observe(undefined, record({}), self, 0, times);
    const gone = observe(held, undefined, self, 3000, times);
    // It makes one, which is nobody's yet: from then on a whole lease.
    expect(nextMove(gone, 3000)).toEqual({ kind: 'take' });
    for (const before of [undefined, held, gone]) {
      const made = observe(before, record({ version: '9', holder: UNHELD }), self, 3000, times);
      expect(nextMove(made, 4000)).toEqual({ kind: 'wait', ms: 14_000 });
    }
    for (const before of [held, gone]) {
      const byChart = observe(before, record({ version: '9', holder: '', renewTime: '' }), self, 3000, times);
      expect(nextMove(byChart, 4000)).toEqual({ kind: 'wait', ms: 14_000 });
    }
  });
});

describe('a leader', () => {
  test('goes on where the Lease is its own, is gone, or is new; not where another held it since', () => {
    const anew = [undefined, record({ holder: UNHELD }), record({ holder: '', renewTime: '' })];
    for (const each of [...anew, record({ holder: self.id })]) {
      expect(isStillOurs(each, self)).toBe(true);
    }
    for (const each of [
      record({}),
      record({ holder: '' }),
      // A process that came after it in its own pod.
      record({ holder: identityOf(self.pod, '2').id }),
    ]) {
      expect(isStillOurs(each, self)).toBe(false);
    }
  });

  test('may act for ten seconds from when it sent its last renewal, by the clock that went further', () => {
    expect(remainingMs({ monotonicMs: 4000, wallMs: 4000 }, times)).toBe(6000);
    // The machine was suspended, or the wall clock set back.
    expect(remainingMs({ monotonicMs: 4000, wallMs: 60_000 }, times)).toBe(0);
    expect(remainingMs({ monotonicMs: 10_000, wallMs: -60_000 }, times)).toBe(0);
  });
});

test('a holder’s pod, for people', () => {
  expect([podOf(self.id), podOf('by-hand'), podOf(''), podOf(UNHELD)]).toEqual(['agent-a', 'by-hand', '', '']);
});
