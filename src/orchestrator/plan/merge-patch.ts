/** JSON merge patches (RFC 7396) that turn one object into another: how a rollback restores what the run changed. */

type Json = unknown;

function isRecord(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values; the order of keys does not matter, that of lists does. */
export function isSameJson(left: Json, right: Json): boolean {
  if (isRecord(left) && isRecord(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].every((key) => isSameJson(left[key], right[key]));
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isSameJson(item, right[index]));
  }
  return left === right;
}

/** The smallest merge patch that makes `from` into `to`; undefined when they are the same. Lists are replaced whole. */
export function mergePatch(from: Record<string, Json>, to: Record<string, Json>): Record<string, Json> | undefined {
  const patch: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = from[key];
    const after = to[key];
    if (isSameJson(before, after)) continue;
    if (after === undefined) patch[key] = null;
    else if (isRecord(before) && isRecord(after)) patch[key] = mergePatch(before, after);
    else patch[key] = after;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** An object without what the API server writes by itself: what a person would call its content. */
export function contentOf(object: Record<string, Json>): Record<string, Json> {
  const { metadata, status: _status, ...rest } = object;
  if (!isRecord(metadata)) return rest;
  const { labels, annotations } = metadata;
  return { ...rest, metadata: { labels: labels ?? {}, annotations: annotations ?? {} } };
}
