/** Which counts chance allows: a share is right if its count lies within the interval. */

/**
 * The central interval of a binomial distribution, exact.
 * @param confidence for example 0.999: each tail holds at most half of the rest.
 * @returns smallest and largest count that are no surprise.
 */
export function binomialInterval(trials: number, p: number, confidence: number): [number, number] {
  if (p <= 0) return [0, 0];
  if (p >= 1) return [trials, trials];
  const tail = (1 - confidence) / 2;
  // Logarithms, since p^10000 is no number.
  let logTerm = trials * Math.log1p(-p);
  let below = 0;
  let low = 0;
  for (let count = 0; count <= trials; count++) {
    const next = below + Math.exp(logTerm);
    if (next <= tail) low = count + 1;
    if (next >= 1 - tail) return [low, count];
    below = next;
    logTerm += Math.log(trials - count) - Math.log(count + 1) + Math.log(p) - Math.log1p(-p);
  }
  return [low, trials];
}
