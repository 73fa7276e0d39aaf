/** Shows what takes long while it lasts: on a terminal in a line that is rewritten each second, elsewhere at start, end and every half minute. */
import type { Clock } from '../../src/shared/clock.ts';
import { systemClock } from '../../src/shared/clock.ts';

/** Where progress is shown. */
export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** Does `work`, showing what it is, its elapsed and its expected time; several may run side by side. @param what as in "building etcd" */
  during<T>(what: string, expectedSeconds: number, work: () => Promise<T>): Promise<T>;
}

/** What the lines are written to. */
export interface Screen {
  /** Lines can be rewritten. */
  isTerminal: boolean;
  /** Of the terminal, which may be resized. A line that is longer would wrap, and a wrapped line cannot be rewritten. */
  columns?: number | undefined;
  write(text: string): void;
}

interface Work {
  what: string;
  startMs: number;
  expectedSeconds: number;
}

const REWRITE_MS = 1_000;
const MENTION_MS = 30_000;
const CLEAR_LINE = '\r\u001B[K';

/** Progress as lines of text. */
export class ProgressLines implements Progress {
  readonly #screen: Screen;
  readonly #indent: string;
  readonly #clock: Clock;
  readonly #running = new Set<Work>();

  /** @param indent what each line begins with */
  constructor(screen: Screen, indent = '', clock = systemClock) {
    this.#screen = screen;
    this.#indent = indent;
    this.#clock = clock;
  }

  say(line: string): void {
    this.#screen.write(`${this.#screen.isTerminal ? CLEAR_LINE : ''}${this.#indent}${line}\n`);
    this.#rewrite();
  }

  async during<T>(what: string, expectedSeconds: number, work: () => Promise<T>): Promise<T> {
    const one: Work = { what, expectedSeconds, startMs: this.#clock.now() };
    this.#running.add(one);
    if (this.#screen.isTerminal) this.#rewrite();
    else this.say(`${what} ... about ${showSeconds(expectedSeconds)}`);
    const stop = this.#every(this.#screen.isTerminal ? REWRITE_MS : MENTION_MS, () => this.#mention(one));
    try {
      const result = await work();
      this.#running.delete(one);
      this.say(`${what} ... done after ${showDuration((this.#clock.now() - one.startMs) / 1000)}`);
      return result;
    } finally {
      stop();
      this.#running.delete(one);
      this.#rewrite();
    }
  }

  #mention(work: Work): void {
    if (this.#screen.isTerminal) this.#rewrite();
    else this.say(lineOf([work], this.#clock.now()));
  }

  #rewrite(): void {
    if (!this.#screen.isTerminal) return;
    const line = this.#running.size === 0 ? '' : this.#indent + lineOf([...this.#running], this.#clock.now());
    this.#screen.write(CLEAR_LINE + cut(line, widthOf(this.#screen) - 1));
  }

  #every(ms: number, callback: () => void): () => void {
    let stop = (): void => {};
    const arm = (): void => {
      stop = this.#clock.after(ms, () => {
        callback();
        arm();
      });
    };
    arm();
    return () => stop();
  }
}

/** The lines of a standard stream of this process. */
export function linesOn(stream: NodeJS.WriteStream, indent = ''): Progress {
  const screen: Screen = {
    isTerminal: stream.isTTY,
    get columns() {
      return stream.columns;
    },
    write: (text) => void stream.write(text),
  };
  return new ProgressLines(screen, indent);
}

/** To standard error, so that it shows under any test runner and spoils no output. */
export const toStandardError: Progress = linesOn(process.stderr);

/** `95` -> `95 s`, `300` -> `5 min`, `340` -> `5 min 40 s`. */
export function showSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (whole < 120 && whole !== 60) return `${whole} s`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** As {@link showSeconds}, with a tenth where that says something. */
export function showDuration(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : showSeconds(seconds);
}

/** `90 s of about 5 min`; what takes much longer than expected is marked. */
export function elapsedOf(elapsedSeconds: number, expectedSeconds: number): string {
  const late = elapsedSeconds > expectedSeconds * 1.5 + 5 ? ', slower than usual' : '';
  return `${showSeconds(elapsedSeconds)} of about ${showSeconds(expectedSeconds)}${late}`;
}

/** `starting the mesh ... 2 s of about 3 s, starting Prometheus ... 1 s of about 2 s`. */
function lineOf(works: readonly Work[], nowMs: number): string {
  const each = works.map(
    ({ what, startMs, expectedSeconds }) => `${what} ... ${elapsedOf((nowMs - startMs) / 1000, expectedSeconds)}`,
  );
  return each.join(', ');
}

/** A terminal may have no size, or 0, as under `script`. */
function widthOf({ columns = 0 }: Screen): number {
  return columns > 0 ? columns : 80;
}

function cut(line: string, length: number): string {
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}
