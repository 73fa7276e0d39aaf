/** Chance that can be had again: the same seed gives the same numbers. */

export interface Dice {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  below(below: number): number;
  /** Each of `choices` as often as its number says, in an order of chance. */
  deck<T extends string>(choices: Record<T, number>): T[];
}

/** mulberry32: small, and good enough for choosing faults. */
export function seededDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (below) => Math.floor(next() * below),
    deck<T extends string>(choices: Record<T, number>): T[] {
      const cards = (Object.keys(choices) as T[]).flatMap((name) => Array<T>(choices[name]).fill(name));
      return cards
        .map((card) => ({ card, place: next() }))
        .toSorted((one, other) => one.place - other.place)
        .map(({ card }) => card);
    },
  };
}
