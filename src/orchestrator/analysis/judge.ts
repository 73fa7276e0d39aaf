/** The judge: limits and measurements in, a verdict out. Knows no clock, no network, no store. */

export type Verdict = 'passed' | 'failed' | 'inconclusive';

/** One value, or why there is none. */
export type Measurement = { kind: 'value'; value: number } | { kind: 'noData'; reason: string };

export interface Limits {
  upperLimit?: number;
  lowerLimit?: number;
}

export interface Judgement {
  verdict: Verdict;
  /** A sentence with the numbers in it. */
  reason: string;
}

/** One measurement by itself. A limit itself still passes; no data never does. */
export function judgeOne(name: string, limits: Limits, measurement: Measurement): Judgement {
  if (measurement.kind === 'noData') return { verdict: 'inconclusive', reason: `${name}: ${measurement.reason}` };
  return judgeValue(name, limits, measurement.value, '');
}

/**
 * All measurements of a query: the average is judged, as the format's documentation says.
 * Measurements without data do not count; none with data is inconclusive.
 */
export function judgeAll(name: string, limits: Limits, measurements: Measurement[]): Judgement {
  const values = measurements.flatMap((measurement) => (measurement.kind === 'value' ? [measurement.value] : []));
  if (values.length === 0) {
    const last = measurements.findLast((measurement) => measurement.kind === 'noData');
    return { verdict: 'inconclusive', reason: `${name}: ${last?.reason ?? 'no measurement was made'}` };
  }
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  return judgeValue(name, limits, average, values.length === 1 ? '' : ` on average of ${values.length}`);
}

function judgeValue(name: string, { upperLimit, lowerLimit }: Limits, value: number, how: string): Judgement {
  const shown = Number(value.toPrecision(6));
  if (upperLimit !== undefined && value > upperLimit) {
    return { verdict: 'failed', reason: `${name} is ${shown}${how}, above its upper limit ${upperLimit}` };
  }
  if (lowerLimit !== undefined && value < lowerLimit) {
    return { verdict: 'failed', reason: `${name} is ${shown}${how}, below its lower limit ${lowerLimit}` };
  }
  return { verdict: 'passed', reason: `${name} is ${shown}${how}, ${showLimits({ upperLimit, lowerLimit })}` };
}

function showLimits({
  upperLimit,
  lowerLimit,
}: {
  upperLimit: number | undefined;
  lowerLimit: number | undefined;
}): string {
  if (lowerLimit === undefined) return upperLimit === undefined ? 'without limits' : `within ${upperLimit}`;
  return upperLimit === undefined ? `at least ${lowerLimit}` : `within ${lowerLimit} to ${upperLimit}`;
}

/** Several queries: one that failed fails all; else one that is inconclusive leaves all open. */
export function together(judgements: Judgement[]): Judgement {
  const worst =
    judgements.find(({ verdict }) => verdict === 'failed') ??
    judgements.find(({ verdict }) => verdict === 'inconclusive');
  if (worst !== undefined) return worst;
  if (judgements.length === 0) return { verdict: 'inconclusive', reason: 'there is no query' };
  return { verdict: 'passed', reason: judgements.map(({ reason }) => reason).join('; ') };
}
