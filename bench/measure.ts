/** One row of a benchmark: many samples, and the three figures that say how they lie. Pure. */

export interface Row {
  scenario: string;
  metric: string;
  /** `x`: a ratio. */
  unit: 'ms' | 'MiB' | 'KiB' | '/s' | '/min' | 'x' | 'files';
  n: number;
  p50: number;
  p99: number;
  max: number;
  /** What the design asks of `p50`; null where the row is there to compare with. */
  target: number | null;
  higherIsBetter: boolean;
}

/** @param samples at least one; in `unit`. Where more is better, `p99` and `max` are the low end. */
export function rowOf(
  scenario: string,
  metric: string,
  samples: number[],
  target: number | null,
  unit: Row['unit'] = 'ms',
  higherIsBetter = false,
): Row {
  if (samples.length === 0) throw new Error(`${scenario}: no sample of ${metric}.`);
  return {
    scenario,
    metric,
    unit,
    n: samples.length,
    p50: quantile(samples, 0.5),
    p99: quantile(samples, higherIsBetter ? 0.01 : 0.99),
    max: round(higherIsBetter ? Math.min(...samples) : Math.max(...samples)),
    target,
    higherIsBetter,
  };
}

/** The smallest sample that at least `q` of all samples do not exceed: no sample is made up between two. */
function quantile(samples: number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
