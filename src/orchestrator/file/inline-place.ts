/** From a place inside a text that is written in a YAML file to the place in that file. */

import type { LineCounter, Scalar } from 'yaml';
import type { Place } from './problem.ts';

export interface InlinePlace extends Place {
  /** Where the line cannot be told exactly: "line 3 of the inline manifest: "; otherwise ''. */
  note: string;
}

/**
 * A literal block (`|`) and a text in one line are told exactly. Folded and escaped ones are not the lines of the file: there
 * it is the beginning of the text, and the line within it in words.
 */
export function inlinePlace(scalar: Scalar, text: string, counter: LineCounter, within: Place): InlinePlace {
  const [from = 0, to = 0] = scalar.range ?? [];
  const start = counter.linePos(from);
  const value = String(scalar.value);
  if (scalar.type === 'BLOCK_LITERAL') {
    const written = value.split('\n')[within.line - 1];
    const line = start.line + within.line;
    const raw = lineOf(text, counter, line);
    if (written !== undefined && raw?.endsWith(written) === true)
      return { line, column: raw.length - written.length + within.column, note: '' };
  }
  const source = text.slice(from, to);
  if (!/[\r\n]/.test(source) && !value.includes('\n')) {
    const skipped = Math.max(source.indexOf(value), 0);
    return { line: start.line, column: start.col + skipped + within.column - 1, note: '' };
  }
  return { line: start.line, column: start.col, note: `line ${within.line} of the inline manifest: ` };
}

function lineOf(text: string, { lineStarts }: LineCounter, line: number): string | undefined {
  const start = lineStarts[line - 1];
  return start === undefined ? undefined : text.slice(start, lineStarts[line]).replace(/\r?\n$/, '');
}
