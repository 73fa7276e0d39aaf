/** Weights by backend, never by index: of a TrafficSplit, an HTTPRoute, a ServiceProfile. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Json } from '../../protocol/records.ts';
import { weightOf } from './quantity.ts';
import { at, replace, type Field, type Step } from './field.ts';

/** One weight: by which name, and where it is. */
interface Held {
  name: string;
  place: (string | number)[];
  weight: number;
}

function field(heldBy: (object: KubeObject) => Held[]): Field {
  return {
    read: (object) => Object.fromEntries(heldBy(object).map(({ name, weight }) => [name, weight])),
    steps: (object, to) => {
      const held = heldBy(object);
      const wanted = Object.entries((to ?? {}) as Record<string, Json>);
      // Another set of backends is another object: it is made anew, not patched.
      if (wanted.length !== held.length || held.some(({ name }) => !wanted.some(([key]) => key === name)))
        return undefined;
      return held.flatMap((each) => stepsFor(object, each, (to as Record<string, Json>)[each.name]));
    },
  };
}

/** The place tells the index; the backend's own name is tested beside it. */
function stepsFor(object: KubeObject, { place, weight }: Held, to: Json | undefined): Step[] {
  const backend = place.slice(0, -1);
  const names = ['service', 'name', 'authority'].filter((key) => at(object, [...backend, key]) !== undefined);
  const tests = names.map((key): Step => replace(object, [...backend, key], null)[0] as Step);
  return to === weight ? tests : [...tests, ...replace(object, place, to)];
}

function listAt(object: unknown, place: (string | number)[]): unknown[] {
  const found = at(object, place);
  return Array.isArray(found) ? found : [];
}

/** By Service. */
export const splitWeights = field((object) =>
  listAt(object, ['spec', 'backends']).map((backend, index) => ({
    name: String(at(backend, ['service'])),
    place: ['spec', 'backends', index, 'weight'],
    weight: weightOf(at(backend, ['weight'])),
  })),
);

/** By rule and Service: `0/web`, or `NAME/web` where the rule has a name. A left-out weight is 1. */
export const routeWeights = field((object) =>
  listAt(object, ['spec', 'rules']).flatMap((rule, index) =>
    listAt(rule, ['backendRefs']).map((backend, at_) => ({
      name: `${(at(rule, ['name']) as string | undefined) ?? index}/${String(at(backend, ['name']))}`,
      place: ['spec', 'rules', index, 'backendRefs', at_, 'weight'],
      weight: weightOf(at(backend, ['weight']) ?? 1),
    })),
  ),
);

/** By the Service before the first dot. */
export const profileWeights = field((object) =>
  listAt(object, ['spec', 'dstOverrides']).map((override, index) => ({
    name: String(at(override, ['authority'])).split('.')[0] ?? '',
    place: ['spec', 'dstOverrides', index, 'weight'],
    weight: weightOf(at(override, ['weight'])),
  })),
);
