/** Where the commands write: text for people, JSON for programs, never both. */

export interface Output {
  readonly json: boolean;
  /** A person's terminal, which can be drawn over. */
  readonly isTerminal: boolean;
  readonly width: number;
  line(text: string): void;
  /** One JSON value a line. */
  value(value: unknown): void;
  /** Beside the result: warnings, problems. */
  note(text: string): void;
  /** As it is, without a line's end. */
  raw(text: string): void;
}

export function processOutput(json: boolean): Output {
  const { stdout, stderr } = process;
  return {
    json,
    isTerminal: !json && stdout.isTTY,
    width: stdout.columns ?? 80,
    line: (text) => void stdout.write(`${text}\n`),
    value: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    raw: (text) => void stdout.write(text),
  };
}

/** Columns as wide as their widest cell. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const show = (row: string[]): string => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => show(row).trimEnd()).join('\n');
}

/** `3 min ago` */
export function ago(at: string | null, nowMs: number): string {
  if (at === null) return '-';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
