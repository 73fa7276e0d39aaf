/** The format as a JSON Schema tells it: which keys are known where, which must be there, and what could stand there. */

import { z } from 'zod';
import { deploymentFile } from './schema.ts';

interface Shape {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  minItems?: number;
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | boolean;
  items?: Shape;
  anyOf?: Shape[];
}

const FILE = z.toJSONSchema(deploymentFile, { io: 'input', unrepresentable: 'any' }) as Shape;

/** No name that anybody gives. */
const NO_NAME = '\0';

function shapeAt(path: (string | number)[]): Shape | undefined {
  return path.reduce<Shape | undefined>((outer, key) => {
    const within = outer === undefined ? undefined : meant(outer);
    if (typeof key === 'number') return within?.items;
    const named = within?.properties;
    if (named !== undefined && Object.hasOwn(named, key)) return named[key];
    return typeof within?.additionalProperties === 'object' ? within.additionalProperties : undefined;
  }, FILE);
}

/** Of several shapes the first that is not `null`. */
function meant(shape: Shape): Shape {
  return shape.anyOf?.find(({ type }) => type !== 'null') ?? shape;
}

/** The keys that the format knows at a place. */
export function keysAt(path: (string | number)[]): string[] {
  return Object.keys(shapeAt(path)?.properties ?? {});
}

/** Can the place be left out? Entries of lists and of maps with names of one's own cannot: others may point at them. */
export function isOptional(path: (string | number)[]): boolean {
  const key = path.at(-1);
  const parent = shapeAt(path.slice(0, -1));
  const properties = parent === undefined ? undefined : meant(parent).properties;
  if (properties === undefined || typeof key !== 'string') return false;
  return !(parent === undefined ? [] : (meant(parent).required ?? [])).includes(key);
}

/** The least that the format takes at a place. */
export function standInAt(path: (string | number)[]): unknown {
  return standIn(shapeAt(path) ?? {});
}

function standIn(given: Shape): unknown {
  const shape = meant(given);
  if (shape.const !== undefined) return shape.const;
  if (shape.enum !== undefined) return shape.enum[0];
  switch (shape.type ?? '') {
    case 'string':
      return shape.pattern === undefined ? NO_NAME : 'x';
    case 'integer':
    case 'number':
      return Math.max(shape.minimum ?? 0, 0);
    case 'boolean':
      return false;
    case 'array':
      return (shape.minItems ?? 0) > 0 ? [standIn(shape.items ?? {})] : [];
    case 'object':
      return standInMap(shape);
    default:
      return NO_NAME;
  }
}

function standInMap({ properties = {}, required = [], additionalProperties }: Shape): Record<string, unknown> {
  const known = required.map((key) => [key, standIn(properties[key] ?? {})] as const);
  const own = typeof additionalProperties === 'object' ? [[NO_NAME, standIn(additionalProperties)] as const] : [];
  return Object.fromEntries([...known, ...own]);
}
