/** Kubernetes quantities (`500m`, `1.5Gi`, `2e3`) as numbers, and numbers as a person writes them. */

const SUFFIXES: Record<string, number> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** @returns NaN for what is no quantity. */
export function quantity(text: string | number | undefined): number {
  if (typeof text === 'number') return text;
  const parts = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(text ?? '');
  const factor = SUFFIXES[parts?.[2] ?? ''];
  return parts === null || factor === undefined ? Number.NaN : Number(parts[1]) * factor;
}

/** `0.25` -> `250m`, `3` -> `3`, `157286400` -> `150Mi` */
export function showQuantity(value: number): string {
  if (value !== 0 && !Number.isInteger(value)) return `${Math.round(value * 1000)}m`;
  for (const suffix of ['Gi', 'Mi', 'Ki']) {
    const inUnit = value / (SUFFIXES[suffix] ?? 1);
    if (value !== 0 && Number.isInteger(inUnit)) return `${inUnit}${suffix}`;
  }
  // No round number of Ki, and too long to read: nearly is enough for a message.
  if (Math.abs(value) >= 2 ** 20) return `${(value / 2 ** 20).toFixed(1)}Mi`;
  return String(value);
}
