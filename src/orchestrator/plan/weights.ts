/** Percent to the whole numbers that a split holds. */

/**
 * The sum of a split's weights. 10,000 gives steps of 0.01 %; Linkerd's controller multiplies each by 10,000 in 32 bits,
 * so a total must stay below 429,496, and it must stay the same for the life of a split.
 */
export const TOTAL_WEIGHT = 10_000;

export interface Shares {
  stable: number;
  canary: number;
}

/** @param percent share of the canary, 0 to 100, in hundredths at the finest. */
export function sharesOf(percent: number): Shares {
  const canary = Math.round((percent * TOTAL_WEIGHT) / 100);
  return { stable: TOTAL_WEIGHT - canary, canary };
}

/** `12.5` -> `12.5 %` */
export function showPercent(percent: number): string {
  return `${Number(percent.toFixed(2))} %`;
}
