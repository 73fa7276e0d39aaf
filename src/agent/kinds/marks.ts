/** Labels and annotations, one by one: `label:KEY`, `annotation:KEY`. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Fields } from '../../protocol/records.ts';
import { at, replace, type Field } from './field.ts';

const MAPS = { label: 'labels', annotation: 'annotations' } as const;

/** @returns undefined for another name. */
export function markField(name: string): Field | undefined {
  const [, which, key] = /^(label|annotation):(.+)$/.exec(name) ?? [];
  if (which === undefined || key === undefined) return undefined;
  const map = MAPS[which as keyof typeof MAPS];
  const place = ['metadata', map, key];
  return {
    read: (object) => (at(object, place) as string | undefined) ?? null,
    steps: (object, to) => {
      const steps = replace(object, place, to);
      // Without the map there is no place for its first entry; a test within it would fail, too.
      if (at(object, ['metadata', map]) !== undefined) return steps;
      const path = `/metadata/${map}`;
      const absent = { op: 'test', path, value: null } as const;
      return to === null ? [absent] : [absent, { op: 'add', path, value: { [key]: to } }];
    },
  };
}

/** @param isShown which keys a record shows. */
export function marksOf({ metadata: { labels, annotations } }: KubeObject, isShown: (key: string) => boolean): Fields {
  const shown = (which: keyof typeof MAPS, map: Record<string, string> = {}): [string, string][] =>
    Object.entries(map).flatMap(([key, value]) => (isShown(key) ? [[`${which}:${key}`, value]] : []));
  return Object.fromEntries([...shown('label', labels), ...shown('annotation', annotations)]);
}
