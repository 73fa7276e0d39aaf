/** What is wrong with a text's YAML, in plain words. */

import type { YAMLParseError } from 'yaml';

const INDENT = 'look at the indentation of this line and of the one above, and for a : too many or too few';

/** The parser's message, and ours for it. Any other is told as it is. */
const WORDS: [RegExp, string][] = [
  [/^Flow map in block collection/, 'this { is not closed: its } is missing, or begins a line too far left'],
  [/^Flow sequence in block collection/, 'this [ is not closed: its ] is missing, or begins a line too far left'],
  [/^Missing closing (.)quote/, 'a $1 is not closed'],
  [/^Missing , or : between/, 'a , or a : is missing here'],
  [/^Missing , between/, 'a , is missing here'],
  [/^Block collections are not allowed within flow/, 'lines of "key:" or "- " cannot stand inside of { } or [ ]'],
  [/^Implicit map keys need to be followed by/, 'a : is missing after this key'],
  [/^Sequence item without - indicator/, 'a "- " is missing in front of this'],
  [/^All mapping items must start at the same/, `the keys of one map must begin at one column: ${INDENT}`],
  [/^All sequence items must start at the same/, `the entries of one list must begin at one column: ${INDENT}`],
  [/^Plain value cannot start with .*?(\S)$/, 'text cannot begin with $1: put it in quotes'],
  [/must be separated from|white ?space/, 'a space is missing here'],
  [/^Nested mappings are not allowed|^A block sequence may not be/, `this cannot begin on this line: ${INDENT}`],
  [/^Implicit keys need to be on a single line/, `a key and its : must be on one line: ${INDENT}`],
  [/tabs?/i, 'a tab cannot indent: use spaces'],
  [/^Invalid escape sequence/, "in double quotes a \\ begins an escape: use single quotes, '...'"],
  [/at most one (anchor|tag)/, 'there are two of & or of ! in front of this value: take one out'],
  [/^(?:Alias|Anchor) /, 'the name after this * or & is missing, or ends in a :'],
  [/^Block scalar header/, 'after | or > only a comment can stand on the line'],
  [/at most 1024 chars/, 'this key is too long, or a : of a line far above is meant as text: put it in quotes'],
  [/call stack/, 'it is nested too deeply'],
  [/^Unexpected|^Unresolved|not allowed|\btokens?\b/, `this does not belong here: ${INDENT}`],
];

/** @param text the whole text that was parsed. */
export function syntaxMessage({ code, message, pos }: YAMLParseError, text: string): string {
  if (code === 'DUPLICATE_KEY') {
    const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,{}[\]]+)/.exec(text.slice(pos[0]))?.[0] ?? '""';
    return `the key ${key} is there twice in this map: one of the two would be lost; take one out`;
  }
  if (code === 'MULTIPLE_DOCS') return 'a deployment file is one document: take out the --- here and what follows it';
  const words = WORDS.find(([pattern]) => pattern.test(message));
  if (words === undefined) return `this is no YAML: ${message}`;
  const [pattern, sentence] = words;
  // `$1` is what the pattern caught.
  return `this is no YAML: ${sentence.replace('$1', pattern.exec(message)?.[1] ?? '')}`;
}

export const KEY_PROBLEM =
  'a key must be text, not a map or a list: put what begins with {, [ or * in quotes (a {{ }} of a template must be filled in before)';
