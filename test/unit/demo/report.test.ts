/** The demo's verdict: one lost, misrouted or unasked request is enough to fail it. */

import { describe, expect, it } from 'vitest';
import type { ClientCounts, LoadSnapshot } from '../../../examples/demo/load-counts.ts';
import { faultsOf, reportOf, sharesOf, type Expected, type Observation } from '../../../examples/demo/report.ts';

const secondMs = 1000;
const startMs = Date.UTC(2026, 0, 1);

function client(
  mode: ClientCounts['mode'],
  answers: Record<string, number>,
  more: Partial<ClientCounts> = {},
): ClientCounts {
  const byVersion = Object.fromEntries(
    Object.entries(answers).map(([version, answered]) => [version, { answered, serverErrors: 0 }]),
  );
  return { mode, answered: 0, failed: 0, failures: {}, byVersion, ...more };
}

function at(second: number, busy: Record<string, number>, unmeshed: Record<string, number>): LoadSnapshot {
  return {
    at: new Date(startMs + second * secondMs).toISOString(),
    clients: { busy: client('meshed', busy), outside: client('unmeshed', unmeshed) },
  };
}

/** v1 to v2 through 10 %, as it should be. */
function goodRun(): Observation {
  const counts = [
    at(0, { v1: 5000 }, { v1: 5000 }),
    at(1, { v1: 5100 }, { v1: 5100 }),
    at(2, { v1: 6000, v2: 100 }, { v1: 6100 }),
    at(3, { v1: 6000, v2: 1100 }, { v1: 6100, v2: 1000 }),
    at(4, { v1: 6000, v2: 1200 }, { v1: 6100, v2: 1100 }),
  ] as const;
  const weight = (value: number, index: 0 | 1 | 2 | 3 | 4): Observation['weights'][number] => ({
    weight: value,
    counts: counts[index],
    settled: counts[index],
  });
  return {
    stable: 'v1',
    canary: 'v2',
    outcome: 'succeeded',
    before: counts[0],
    ended: counts[3],
    after: counts[4],
    weights: [weight(0, 0), weight(10, 1), weight(100, 2), weight(0, 3)],
    series: { busy: [{ second: startMs / 1000 + 1, byVersion: { v2: 5 } }] },
    podsRestarted: 0,
    leftBehind: [],
  };
}

const expected: Expected = { outcome: 'succeeded', weights: [0, 10, 100, 0] };

function faults(change: (run: Observation) => void, wanted: Expected = expected): string[] {
  const run = structuredClone(goodRun());
  change(run);
  return faultsOf(run, reportOf(run, wanted), wanted);
}

describe('the demo report', () => {
  it('counts a good run as good', () => {
    expect(faults(() => undefined)).toEqual([]);
    expect(reportOf(goodRun(), {})).toEqual({
      requests: 4400,
      byVersion: { v1: 2100, v2: 2300 },
      failed: 0,
      misrouted: 0,
      weights: [0, 10, 100, 0],
      podsRestarted: 0,
      leftBehind: 0,
    });
  });

  it('fails on one lost request', () => {
    expect(faults(({ after }) => void (after.clients['busy']!.failed = 1))).toEqual(['v2: 1 requests failed']);
  });

  it('fails on one server error, unless the version was to fail', () => {
    const oneError = ({ after }: Observation): void => void (after.clients['busy']!.byVersion['v2']!.serverErrors = 1);
    expect(faults(oneError)).toEqual(['v2: 1 requests failed']);
    expect(faults(oneError, { ...expected, faulty: 'v2' })).toEqual([]);
  });

  it('fails on one answer of the canary outside the mesh before promotion', () => {
    const leak = ({ weights }: Observation): void =>
      void (weights[2]!.counts.clients['outside'] = client('unmeshed', { v1: 6100, v2: 1 }));
    expect(faults(leak)).toEqual(['v2: 1 answers of the canary to clients outside the mesh']);
  });

  it('fails on one answer of the canary before its first weight', () => {
    const early = ({ series }: Observation): void =>
      void series['busy']!.unshift({ second: startMs / 1000 - 1, byVersion: { v2: 1 } });
    expect(faults(early)).toEqual(['v2: 1 answers of the canary before its first weight']);
  });

  it('fails on one answer of the old version after the end', () => {
    const late = ({ after }: Observation): void => void (after.clients['outside']!.byVersion['v1']!.answered += 1);
    expect(faults(late)).toEqual(['v2: 1 answers of the version that is to be gone, after the end']);
  });

  it('fails on a weight that was skipped, a share that was not given, a pod that restarted, an object left behind', () => {
    expect(faults(({ weights }) => void weights.splice(1, 1))[0]).toContain('weights 0, 100, 0, not 0, 10, 100, 0');
    expect(
      faults(({ weights }) => void (weights[2]!.counts.clients['busy'] = client('meshed', { v1: 6000, v2: 200 }))),
    ).toEqual(['v2: client busy got 200 of 1100 answers from the canary at 10 %']);
    expect(faults((run) => void (run.podsRestarted = 1))).toEqual(['v2: 1 pods restarted']);
    expect(faults((run) => void run.leftBehind.push('Service hello-canary'))).toEqual([
      'v2: left behind: Service hello-canary',
    ]);
  });

  it('measures shares between the moments that weights were stored', () => {
    expect(sharesOf(goodRun())).toEqual([{ client: 'busy', weight: 10, canary: 100, answers: 1000 }]);
  });
});
