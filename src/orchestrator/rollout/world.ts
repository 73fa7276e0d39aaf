/** Reading what the agent reported: endpoints of a Service, pods of a revision. Pure. */

import type { ObjectRecord } from '../../protocol/records.ts';
import type { World } from './model.ts';

/**
 * Uids of the ready endpoints of a Service; undefined while they are not seen live. A slice may be older than the pods: one that is
 * known not to be ready is none.
 */
export function readyEndpoints(world: World, service: string): string[] | undefined {
  if (!world.isLive('EndpointSlice') || !world.isLive('Pod')) return undefined;
  const unready = new Set(world.all('Pod').flatMap(({ uid, facts }) => (facts.ready ? [] : uid)));
  const slices = world.all('EndpointSlice').filter(({ facts }) => facts.service === service);
  return [...new Set(slices.flatMap(({ facts }) => facts.ready))].filter((uid) => !unready.has(uid));
}

/** Pods of one revision; one that has ended (evicted, failed) stays for long and is none. Undefined while pods are not seen live. */
export function podsOf(world: World, hash: string): ObjectRecord<'Pod'>[] | undefined {
  if (!world.isLive('Pod')) return undefined;
  return world
    .all('Pod')
    .filter(({ facts }) => facts.hash === hash && facts.phase !== 'Failed' && facts.phase !== 'Succeeded');
}

/** A Service sends to pods of this revision alone, and to at least so many; undefined while that is not known. */
export function showsOnly(world: World, service: string, hash: string, count: number): boolean | undefined {
  const ready = readyEndpoints(world, service);
  const pods = podsOf(world, hash);
  if (ready === undefined || pods === undefined) return undefined;
  const own = new Set(pods.map(({ uid }) => uid));
  return ready.length >= count && ready.every((uid) => own.has(uid));
}
