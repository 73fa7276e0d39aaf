/** YAML with the place of everything in it: errors point at the line that a person has to change. */

import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  visit,
} from 'yaml';
import type { Document, ParsedNode, ScalarTag, YAMLMap } from 'yaml';
import { messageOf } from '../../shared/errors.ts';
import { inlinePlace, type InlinePlace } from './inline-place.ts';
import { showPath, type FileProblem, type Path, type PathProblem, type Place } from './problem.ts';
import { KEY_PROBLEM, syntaxMessage } from './yaml-words.ts';

/** Aliases can blow a small text up; nobody's deployment file needs more. */
const MAX_ALIASES = 100;
/** With these the text is still read, so that the rest of it is checked as well. */
const READABLE = new Set<string>(['DUPLICATE_KEY', 'MULTIPLE_DOCS']);
/** Merged maps can merge maps, and even themselves. */
const MAX_MERGES = 20;

/** `defaultMode: 0400` is octal to kubectl (YAML 1.1). Read as decimal it would be another mode, and a valid one. */
const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

/** As the keys of the map that comes of it: `1` and `"1"` are one key. */
const uniqueKeys = (left: ParsedNode, right: ParsedNode): boolean =>
  left === right ||
  // `<<` is a symbol, and may well be there twice.
  (isScalar(left) && isScalar(right) && !isSymbol(left.value) && keyText(left.value) === keyText(right.value));

type PlacedMessage = Place & { message: string };

export interface Places {
  /** Undefined where the text cannot be read at all. */
  value: unknown;
  problems: FileProblem[];
  /** A problem by its path in the document, with the place of the nearest node that is there. */
  locate: (problem: PathProblem) => FileProblem;
  /** The place of a place within a text that stands at the path. */
  locateInside: (path: Path, within: Place) => InlinePlace;
}

/** Parses one document. Never throws: what is no YAML is a problem with its place. */
export function parseWithPlaces(text: string, file: string): Places {
  const counter = countLines(text);
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys, merge: true });
  keepContextAsWritten(document);
  const { value, problems } = valueOf(document, counter, text);
  const placeOf = (path: Path): Place => placeAt(counter, walk(document, path).offset);
  return {
    value,
    problems: problems.map((problem) => ({ file, ...problem, path: '' })),
    locate: ({ path, message }) => ({ file, ...placeOf(path), path: showPath(path), message }),
    locateInside: (path, within) => {
      const { node } = walk(document, path);
      return isScalar(node) ? inlinePlace(node, text, counter, within) : { ...placeOf(path), note: '' };
    },
  };
}

/** A document that cannot be read is a problem, never an empty one: what it held would be left out in silence. */
function valueOf(
  document: Document,
  counter: LineCounter,
  text: string,
): { value: unknown; problems: PlacedMessage[] } {
  const problems = syntaxProblems(document, counter, text);
  if (document.errors.some(({ code }) => !READABLE.has(code))) return { value: undefined, problems };
  const keys = keyProblems(document, counter);
  if (keys.length > 0) return { value: undefined, problems: [...problems, ...keys] };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, problems };
  } catch (error) {
    return { value: undefined, problems: [...problems, aliasProblem(document, counter, error)] };
  }
}

/** A map or a list as a key would become the text of it. */
function keyProblems(document: Document, counter: LineCounter): PlacedMessage[] {
  const problems: PlacedMessage[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (!isCollection(key) && !isAlias(key)) return undefined;
      problems.push({ ...placeAt(counter, key.range?.[0] ?? 0), message: KEY_PROBLEM });
      return visit.SKIP;
    },
  });
  return problems;
}

/** The first of each line: what follows a slip on the same line is its echo, and so is what "does not belong" after it. */
function syntaxProblems({ errors }: Document, counter: LineCounter, text: string): PlacedMessage[] {
  const own = errors.filter(({ code }, index) => index === 0 || code !== 'UNEXPECTED_TOKEN');
  const told = own.map((error) => ({ ...placeAt(counter, error.pos[0]), message: syntaxMessage(error, text) }));
  return told.filter(({ line }, index) => told.findIndex((other) => other.line === line) === index);
}

function aliasProblem(document: Document, counter: LineCounter, error: unknown): PlacedMessage {
  let found: PlacedMessage | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      const message = `the alias *${alias.source} names nothing: there is no &${alias.source} above it`;
      found = { ...placeAt(counter, alias.range?.[0] ?? 0), message };
      return visit.BREAK;
    },
  });
  const start = document.contents?.range?.[0] ?? document.range?.[0] ?? 0;
  const told = messageOf(error);
  const message = told.startsWith('Excessive alias count')
    ? `what its aliases (*name) stand for is too much, or never ends: about ${MAX_ALIASES} are allowed, and none inside of what it names`
    : `its aliases cannot be read: ${told}`;
  return found ?? { ...placeAt(counter, start), message };
}

/** All lines of a text. The parser's own count stops at a quote that is never closed. */
function countLines(text: string): LineCounter {
  const counter = new LineCounter();
  for (let start = 0; ;) {
    counter.addNewLine(start);
    const end = text.indexOf('\n', start);
    if (end === -1) return counter;
    start = end + 1;
  }
}

function placeAt(counter: LineCounter, offset: number): Place {
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
  /** The place of a path in it; of [], where its content begins. */
  place: (path: Path) => Place;
}

/** All documents of a manifest; empty ones are left out. */
export function parseManifest(text: string): { objects: ManifestDocument[]; problems: PlacedMessage[] } {
  const counter = countLines(text);
  const documents = parseAllDocuments(text, {
    prettyErrors: false,
    merge: true,
    uniqueKeys,
    customTags: (tags) => [octal, ...tags],
  });
  const list = Array.isArray(documents) ? documents : [];
  const read = list.map((document) => ({ document, ...valueOf(document, counter, text) }));
  const problems = read.flatMap((one) => one.problems);
  const objects = read
    .map(({ document, value }, index) => ({
      value,
      number: index + 1,
      place: (path: Path): Place => {
        const start = document.contents?.range?.[0] ?? document.range[0];
        return placeAt(counter, path.length === 0 ? start : walk(document, path).offset);
      },
    }))
    .filter(({ value }) => value !== undefined && value !== null);
  return { objects, problems };
}

interface Found {
  node: unknown;
  offset: number;
}

/** As far as the path leads. */
function walk(document: Document, path: Path): Found {
  let found: Found = { node: document.contents, offset: 0 };
  for (const key of path) {
    const next = stepInto(document, found.node, key);
    if (next === undefined) return { node: undefined, offset: found.offset };
    found = next;
  }
  return { ...found, node: named(document, found.node) };
}

/** An alias stands for what it names: that is where it can be changed. */
function named(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** For a key the place of the key itself, which is where the eye looks. */
function stepInto(document: Document, from: unknown, key: string | number, merges = 0): Found | undefined {
  const node = named(document, from);
  if (isMap(node)) {
    const pair = node.items.find(
      (item) => isPair(item) && isScalar(item.key) && keyText(item.key.value) === String(key),
    );
    const range = isScalar(pair?.key) ? pair.key.range : undefined;
    if (pair !== undefined && range) return { node: pair.value, offset: range[0] };
    if (merges >= MAX_MERGES) return undefined;
    for (const merged of mergedInto(document, node)) {
      const found = stepInto(document, merged, key, merges + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const item = isSeq(node) ? (node.items[Number(key)] as { range?: [number, number, number] } | undefined) : undefined;
  return item?.range === undefined ? undefined : { node: item, offset: item.range[0] };
}

function mergedInto(document: Document, map: YAMLMap): unknown[] {
  const merges = map.items.filter(({ key }) => isScalar(key) && keyText(key.value) === '<<');
  return merges.flatMap(({ value }) => {
    const node = named(document, value);
    return isSeq(node) ? node.items : [node];
  });
}

function keyText(key: unknown): string {
  if (isSymbol(key)) return key.description ?? '';
  // Of null, and of what is no scalar, `toJS` makes a key that no path of ours names.
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean' ? String(key) : '';
}

function isSymbol(value: unknown): value is symbol {
  return typeof value === 'symbol';
}
