/** How many canary pods a stage takes: the driver's word over the Deployment's size. Pure. */

import { driverOf } from '../traffic/registry.ts';
import { sizeOf } from '../workload/deployment.ts';
import type { Binding, Traffic, World } from './model.ts';

/** @returns undefined while the Deployment is not seen. */
export function canarySizeOf(binding: Binding, traffic: Traffic, world: World): number | undefined {
  const size = sizeOf(binding.workload, world);
  return size === undefined ? undefined : driverOf(binding).canarySize(traffic, size);
}
