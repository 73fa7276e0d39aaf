/** An object cut down to the fields that somebody wants. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';

/**
 * @param fields dotted paths: `spec.containers.image`. A path goes into each item of a list; one that leads nowhere keeps nothing.
 * None: the object as it is. What names it stays in any case.
 */
export function keepFields(object: KubeObject, fields: readonly string[]): KubeObject {
  if (fields.length === 0) return object;
  const { apiVersion, kind } = object;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
  const kept = keep(object, treeOf(fields)) as Partial<KubeObject>;
  return { ...kept, apiVersion, kind, metadata: { ...kept.metadata, ...metadata } };
}

/** Which parts to keep; null: the whole of it. */
interface Tree {
  [part: string]: Tree | null;
}

function treeOf(fields: readonly string[]): Tree {
  const tree: Tree = Object.create(null) as Tree;
  for (const field of fields) {
    let at = tree;
    const parts = field.split('.');
    for (const [index, part] of parts.entries()) {
      if (at[part] === null) break;
      if (index === parts.length - 1) at[part] = null;
      else at = at[part] ??= Object.create(null) as Tree;
    }
  }
  return tree;
}

function keep(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.map((item) => keep(item, tree));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [part, wanted] of Object.entries(tree)) {
    if (!Object.hasOwn(value, part)) continue;
    const inner = (value as Record<string, unknown>)[part];
    kept[part] = wanted === null ? inner : keep(inner, wanted);
  }
  return kept;
}
