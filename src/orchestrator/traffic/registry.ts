/** All drivers, by name. */

import type { Binding } from '../rollout/model.ts';
import type { Driver } from './driver.ts';
import { linkerdSmi } from './linkerd-smi/driver.ts';
import { pods } from './pods/driver.ts';

const DRIVERS: Readonly<Record<string, Driver>> = { 'linkerd-smi': linkerdSmi, pods };

/** @throws for a driver that a plan of a later version names. */
export function driverOf({ driver }: Binding): Driver {
  const found = DRIVERS[driver];
  if (found === undefined)
    throw new Error(`This orchestrator knows no traffic driver ${driver}: its plan is of a later version.`);
  return found;
}
