/** Weights as Kubernetes stores them: numbers, or quantities in text. Pure. */

const SUFFIXES: Record<string, number> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** A Kubernetes quantity (`500m`, `1k`, `10`, `1e2`) or a plain number as a number; -1 where it is neither. */
export function weightOf(stored: unknown): number {
  if (typeof stored === 'number') return stored;
  if (typeof stored !== 'string') return -1;
  const match = /^(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(m|k|M|G|Ki|Mi|Gi)?$/.exec(stored);
  return match ? Number(match[1]) * (SUFFIXES[match[2] ?? ''] ?? 1) : -1;
}
