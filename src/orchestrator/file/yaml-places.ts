/** YAML with the place of everything in it: errors point at the line that a person has to change. */

import { isMap, isPair, isScalar, LineCounter, parseAllDocuments, parseDocument, visit } from 'yaml';
import type { Document, ScalarTag } from 'yaml';
import { messageOf } from '../../shared/errors.ts';
import type { FileProblem, PathProblem } from './problem.ts';

/** Aliases can blow a small text up; nobody's deployment file needs more. */
const MAX_ALIASES = 100;

/** `defaultMode: 0400` is octal to kubectl (YAML 1.1). Read as decimal it would be another mode, and a valid one. */
const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

export interface Places {
  value: unknown;
  problems: FileProblem[];
  /** A problem by its path in the document, with the place of the nearest node that is there. */
  locate: (problem: PathProblem) => FileProblem;
}

/** Parses one document. Never throws: what is no YAML is a problem with its place. */
export function parseWithPlaces(text: string, file: string): Places {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, merge: true });
  keepContextAsWritten(document);
  const { value, problems } = valueOf(document, counter, file);
  return {
    value,
    problems,
    locate: ({ path, message }) => ({ file, ...placeOf(document, path, counter), path: showPath(path), message }),
  };
}

/** A document that cannot be read is a problem, never an empty one: what it held would be left out in silence. */
function valueOf(document: Document, counter: LineCounter, file: string): { value: unknown; problems: FileProblem[] } {
  const problems = syntaxProblems(document, counter, file);
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, problems };
  } catch (error) {
    const place = placeAt(counter, document.contents?.range?.[0] ?? document.range?.[0] ?? 0);
    return { value: undefined, problems: [{ file, ...place, path: '', message: `its aliases: ${messageOf(error)}` }] };
  }
}

/** The first of each place: what follows a slip at the same place is its echo. */
function syntaxProblems({ errors }: Document, counter: LineCounter, file: string): FileProblem[] {
  const first = errors.filter(({ pos }, index) => errors.findIndex((other) => other.pos[0] === pos[0]) === index);
  return first.map(({ message, pos }) => ({
    file,
    ...placeAt(counter, pos[0]),
    path: '',
    message: `this is no YAML: ${message}`,
  }));
}

function placeAt(counter: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Context variables are text. `version: 1.10` is meant as it stands there, not as the number 1.1. */
function keepContextAsWritten(document: Document): void {
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || !/^context(Overrides)?$/.test(String(key.value)) || !isMap(value)) return;
      for (const { value: variable } of value.items) {
        if (isScalar(variable) && /number|bigint|boolean/.test(typeof variable.value) && variable.source !== undefined)
          variable.value = variable.source;
      }
    },
  });
}

export interface ManifestDocument {
  value: unknown;
  /** From 1. */
  number: number;
  /** The line its content begins at. */
  line: number;
}

/** All documents of a manifest; empty ones are left out. */
export function parseManifest(text: string, file: string): { objects: ManifestDocument[]; problems: FileProblem[] } {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: counter,
    prettyErrors: false,
    merge: true,
    customTags: (tags) => [octal, ...tags],
  });
  const list = Array.isArray(documents) ? documents : [];
  const read = list.map((document) => ({ document, ...valueOf(document, counter, file) }));
  const problems = read.flatMap((one) => one.problems);
  const objects = read
    .map(({ document, value }, index) => ({
      value,
      number: index + 1,
      line: placeAt(counter, document.contents?.range?.[0] ?? document.range[0]).line,
    }))
    .filter(({ value }) => value !== undefined && value !== null);
  return { objects, problems };
}

function placeOf(
  document: Document,
  path: PathProblem['path'],
  counter: LineCounter,
): { line: number; column: number } {
  let offset = 0;
  let node: unknown = document.contents;
  for (const key of path) {
    const next = stepInto(node, key);
    if (next === undefined) break;
    offset = next.offset;
    node = next.node;
  }
  return placeAt(counter, offset);
}

/** For a key the place of the key itself, which is where the eye looks. */
function stepInto(node: unknown, key: string | number): { node: unknown; offset: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
    );
    const range = isScalar(pair?.key) ? pair.key.range : undefined;
    return pair === undefined || !range ? undefined : { node: pair.value, offset: range[0] };
  }
  const items = (node as { items?: unknown[] } | null)?.items;
  const item = items?.[Number(key)] as { range?: [number, number, number] } | undefined;
  return item?.range === undefined ? undefined : { node: item, offset: item.range[0] };
}

function showPath(path: PathProblem['path']): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : key))
    .join('.')
    .replaceAll('.[', '[');
}
