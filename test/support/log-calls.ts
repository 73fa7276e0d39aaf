/** The log calls of the source, read from its syntax tree: which message at which level with which fields. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { repository } from './child.ts';

export interface LogCall {
  /** Relative to the repository. */
  file: string;
  level: string;
  /** Undefined: it is no constant. */
  message: string | undefined;
  fields: string[];
  /** Fields that come from where this cannot look; none may. */
  unread: number;
}

interface Node {
  type: string;
  [key: string]: unknown;
}

const LEVELS = new Set(['debug', 'info', 'warn', 'error', 'fatal']);

export function logCallsOf(pattern: string): LogCall[] {
  return globSync(pattern, { cwd: repository })
    .filter((file) => !file.includes('/gen/'))
    .toSorted()
    .flatMap((file) => callsIn(file, readFileSync(join(repository, file), 'utf8')));
}

/** @param text of the file, TypeScript. */
export function callsIn(file: string, text: string): LogCall[] {
  const nodes = all(parseSync(file, text).program as unknown as Node);
  return nodes.filter(isLogCall).map((call) => {
    const [fields, message] = call['arguments'] as Node[];
    const found = { names: new Set<string>(), unread: 0 };
    readFields(fields, nodes, found);
    const { property } = call['callee'] as { property: { name: string } };
    const constant = message?.type === 'Literal' ? String(message['value']) : undefined;
    return { file, level: property.name, message: constant, fields: [...found.names].toSorted(), unread: found.unread };
  });
}

/** `log.warn(…)`, `this.#log.warn(…)`, `options.log.warn(…)`. */
function isLogCall({ type, callee }: Node): boolean {
  if (type !== 'CallExpression') return false;
  const { object, property } = callee as { object?: Node; property?: { name?: string } };
  if (!object || !LEVELS.has(property?.name ?? '')) return false;
  const name =
    object.type === 'Identifier' ? object['name'] : (object['property'] as { name?: string } | undefined)?.name;
  return name === 'log';
}

function readFields(node: Node | undefined, nodes: Node[], found: { names: Set<string>; unread: number }): void {
  if (!node) return;
  const read = (next: unknown): void => readFields(next as Node | undefined, nodes, found);
  switch (node.type) {
    case 'ObjectExpression':
      for (const property of node['properties'] as Node[]) {
        if (property.type === 'SpreadElement') read(property['argument']);
        else found.names.add(String((property['key'] as { name?: string }).name));
      }
      return;
    case 'ParenthesizedExpression':
      read(node['expression']);
      return;
    case 'LogicalExpression':
      read(node['right']);
      return;
    case 'ConditionalExpression':
      read(node['consequent']);
      read(node['alternate']);
      return;
    case 'Identifier': {
      // The nearest above it of that name.
      const made = nodes.findLast(
        ({ type, id, init, start }) =>
          type === 'VariableDeclarator' &&
          (id as { name?: string }).name === node['name'] &&
          (init as Node | null)?.type === 'ObjectExpression' &&
          Number(start) < Number(node['start']),
      );
      if (made) read(made['init']);
      else found.unread += 1;
      return;
    }
    case 'CallExpression': {
      // A function of the same file that returns an object.
      const name = (node['callee'] as { name?: string }).name;
      const made = nodes.find(
        ({ type, id }) => type === 'FunctionDeclaration' && (id as { name?: string }).name === name,
      );
      const returned = made && all(made).find(({ type }) => type === 'ReturnStatement');
      if (returned) read(returned['argument']);
      else found.unread += 1;
      return;
    }
    case 'Literal':
      return;
    default:
      found.unread += 1;
  }
}

/** The node and all below it, in the order of the text. */
function all(node: Node): Node[] {
  const below = Object.values(node).flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]));
  return [node, ...below.filter(isNode).flatMap(all)];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}
