/** Rights that a canary takes and an agent lacks, as the agent says them in Hello. */

import type { MissingRights, MissingRights__Output } from './gen/sluice/agent/v1/MissingRights.ts';
import type { AccessRule } from './operation.ts';

export interface MissingRight extends AccessRule {
  namespace: string;
}

/** A person reads the first few; more would only fill the message. */
const MOST = 100;
/** Of a namespace or of a resource, with its group. */
const LONGEST = 253;

export function encodeMissingRights(rights: readonly MissingRight[]): MissingRights[] {
  const byNamespace = Map.groupBy(rights.slice(0, MOST), ({ namespace }) => namespace);
  return [...byNamespace].map(([namespace, rules]) => ({
    namespace,
    rules: rules.map(({ group, resource, verb }) => ({ group, resource, verb })),
  }));
}

/** Bounded, whatever the agent sends: it is stored and shown. */
export function decodeMissingRights(wire: readonly MissingRights__Output[]): MissingRight[] {
  const short = (text: string): string => text.slice(0, LONGEST);
  return wire
    .flatMap(({ namespace, rules }) =>
      rules.map(({ group, resource, verb }) => ({
        namespace: short(namespace),
        group: short(group),
        resource: short(resource),
        verb: short(verb),
      })),
    )
    .slice(0, MOST);
}
