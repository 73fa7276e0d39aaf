/** Progress lines for work that takes long. */

/** A line for people. */
export type Progress = (line: string) => void;

/** To standard error, so that it shows under any test runner and spoils no output. */
export const toStandardError: Progress = (line) => process.stderr.write(`${line}\n`);

/** How often a long wait is reported where lines cannot be rewritten. */
const EVERY_MS = 30_000;

/** `95` -> `1 min 35 s`, `300` -> `5 min`. */
export function showSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes === 0) return `${rest} s`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** `90 s of about 5 min`, and a remark when it takes much longer than expected. */
export function elapsedOf(elapsedSeconds: number, expectedSeconds: number): string {
  const late = elapsedSeconds > expectedSeconds * 1.5 + 5 ? ', slower than usual' : '';
  return `${showSeconds(elapsedSeconds)} of about ${showSeconds(expectedSeconds)}${late}`;
}

/** Reports every half minute that `what` goes on, until it has ended. */
export async function reported<T>(
  what: string,
  expectedSeconds: number,
  progress: Progress,
  work: () => Promise<T>,
  everyMs = EVERY_MS,
): Promise<T> {
  const startMs = performance.now();
  const tick = (): void => progress(`${what}: ${elapsedOf((performance.now() - startMs) / 1000, expectedSeconds)}`);
  const timer = setInterval(tick, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
