/** What one TypeScript file refers to: the modules it imports and the texts that may name files. Pure. */

import { parseSync } from 'oxc-parser';

export interface References {
  /** As written: `../shared/clock.ts`, `node:fs`, `zod`. */
  imports: string[];
  /** String literals, the start of each template, and the literal paths in calls of `join`. */
  strings: string[];
}

/** @param text of the file. A file that does not parse refers to what could be read of it. */
export function referencesOf(file: string, text: string): References {
  const { program } = parseSync(file, text);
  const found: References = { imports: [], strings: [] };
  const left: unknown[] = [program];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== 'object' || node === null) continue;
    const { type, value, source, quasis, callee } = node as Record<string, unknown>;
    if (type === 'Literal' && typeof value === 'string') found.strings.push(value);
    if (type === 'TemplateLiteral') found.strings.push(headOf(quasis as Quasi[]));
    if (type === 'CallExpression' && isJoin(callee)) found.strings.push(...pathsIn((node as Call).arguments));
    if (typeof type === 'string' && isImport.test(type)) {
      const specifier = (source as { value?: unknown } | null)?.value;
      if (typeof specifier === 'string') found.imports.push(specifier);
    }
    left.push(...Object.values(node));
  }
  return found;
}

const isImport = /^(Import(Declaration|Expression)|Export(All|Named)Declaration)$/;

interface Quasi {
  value: { cooked?: string | null };
}

/** Of `test/${name}.ts` the folder: what follows is not known. */
function headOf([first, ...rest]: Quasi[]): string {
  const head = first?.value.cooked ?? '';
  return rest.length === 0 ? head : head.slice(0, head.lastIndexOf('/') + 1);
}

interface Call {
  arguments: { type: string; value?: unknown }[];
}

/** `join` or `resolve` of node:path, imported by that name. */
function isJoin(callee: unknown): boolean {
  const { type, name } = callee as { type: string; name?: string };
  return type === 'Identifier' && (name === 'join' || name === 'resolve');
}

/** Of `join(root, '..', 'images', name)` the folder `../images/`: adjacent literals are one path, and what follows is not known. */
function pathsIn(parts: Call['arguments']): string[] {
  const marked = parts.map(({ value }) => (typeof value === 'string' ? value : '\n')).join('/');
  return marked
    .split('\n')
    .map((path, at) => (at === 0 ? path : path.slice(1)))
    .filter((path) => path !== '');
}
