/** Prometheus' text format as we write it, and label sets that stay closed whatever comes in. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Counter, Histogram, gauge, writeMetrics } from '../../../src/shared/metrics.ts';

const COLOURS = {
  name: 'test_colours_total',
  type: 'counter',
  help: 'Colours seen.',
  labels: { colour: ['red', 'blue'] },
} as const;

test('a counter with one label shows every value from the start, so that its first event is a rise', () => {
  const counter = new Counter(COLOURS);
  counter.add({ colour: 'blue' }, 2);
  expect(writeMetrics([counter.read()])).toBe(
    `# HELP test_colours_total Colours seen.
# TYPE test_colours_total counter
test_colours_total{colour="red"} 0
test_colours_total{colour="blue"} 2
`,
  );
});

test('a histogram counts at or below each bound, and all', () => {
  const histogram = new Histogram({ name: 'test_seconds', type: 'histogram', help: 'Time.', buckets: [0.1, 1] });
  for (const value of [0.1, 0.2, 1, 5]) histogram.observe({}, value);
  expect(writeMetrics([histogram.read()]).split('\n').slice(2, -1)).toEqual([
    'test_seconds_bucket{le="0.1"} 1',
    'test_seconds_bucket{le="1"} 3',
    'test_seconds_bucket{le="+Inf"} 4',
    'test_seconds_sum 6.3',
    'test_seconds_count 4',
  ]);
});

test('a gauge that is not known is left out, and one of state is named', () => {
  const account = { name: 'test_up', type: 'gauge', help: 'Up.', labels: { account: { from: 'tests' } } } as const;
  expect(gauge({ name: 'test_age', type: 'gauge', help: 'Age.' }, undefined).samples).toEqual([]);
  const odd = 'a"b\\c\nd';
  expect(writeMetrics([gauge(account, [[{ account: odd }, Number.POSITIVE_INFINITY]])])).toContain(
    String.raw`test_up{account="a\"b\\c\nd"} +Inf`,
  );
});

test('whatever is counted, there are no more series than values of its labels, and one for all others', () => {
  const counter = new Counter({ ...COLOURS, labels: { colour: ['red', 'blue'], size: ['big'] } });
  const histogram = new Histogram({ ...COLOURS, type: 'histogram', buckets: [1] });
  fc.assert(
    fc.property(fc.string(), fc.string(), (colour, size) => {
      counter.add({ colour, size });
      histogram.observe({ colour }, 1);
      counter.add({ size });
      counter.add({ colour: '__proto__', size: 'constructor' });
      expect(counter.read().samples.length).toBeLessThanOrEqual(3 * 2);
      expect(histogram.read().samples.length).toBeLessThanOrEqual(3 * 4);
    }),
  );
});
