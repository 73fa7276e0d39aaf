import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentOf, isSameJson, mergePatch } from '../../../src/orchestrator/plan/merge-patch.ts';

type Json = unknown;

/** RFC 7396, section 2, word for word. */
function applyPatch(target: Json, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isRecord = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result: Record<string, Json> = isRecord ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyPatch(result[key], value);
  }
  return result;
}

// Kubernetes stores no nulls, and a merge patch cannot say them.
const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }));
const record = fc.letrec<{ tree: Record<string, Json> }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.oneof({ maxDepth: 3 }, leaf, tie('tree'))),
})).tree;

describe('mergePatch', () => {
  it('makes one object into the other', () => {
    fc.assert(
      fc.property(record, record, (from, to) => {
        const patch = mergePatch(from, to);
        expect(isSameJson(patch === undefined ? from : applyPatch(from, patch), to)).toBe(true);
      }),
    );
  });

  it('is empty for the same content, whatever the order of its keys', () => {
    expect(mergePatch({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBeUndefined();
  });

  it('looks at what people write, not at what the API server does', () => {
    const live = {
      kind: 'ConfigMap',
      metadata: { name: 'a', uid: '1', resourceVersion: '7' },
      data: { x: '1' },
      status: {},
    };
    expect(contentOf(live)).toEqual({ kind: 'ConfigMap', data: { x: '1' }, metadata: { labels: {}, annotations: {} } });
  });
});
