/** The driver's part of a plan: the objects that carry the shares on Linkerd, by name. */

import type { Json } from '../../../protocol/records.ts';
import type { Binding } from '../../rollout/model.ts';
import type { CanaryPlan } from '../../plan/rollout-plan.ts';
import type { RouteNames } from '../../plan/route.ts';
import type { Service } from '../../plan/workload.ts';

export interface SmiBinding {
  names: RouteNames;
  root: Service;
  /** Of the user's own canary Service, if one is used. */
  canarySelector?: Record<string, string>;
  rootUid: string;
  stableHash: string;
  canaryHash: string;
  hadProfile: boolean;
}

/** What carries the shares. `profile`: the ServiceProfile that linkerd-smi writes; `routes`: the companions. */
export interface SmiFollowers {
  profile: boolean;
  routes: boolean;
}

export function bindingOf({ names, root, canarySelector, stableHash, canaryHash, hadProfile }: CanaryPlan): SmiBinding {
  return {
    names,
    root: {
      ...root,
      metadata: { name: root.metadata.name },
      spec: { ports: root.spec.ports ?? [], selector: root.spec.selector ?? {} },
    },
    ...(canarySelector === undefined ? {} : { canarySelector }),
    rootUid: root.metadata.uid ?? '',
    stableHash,
    canaryHash,
    hadProfile,
  };
}

/** It was stored as JSON by this driver. */
export function smiOf(binding: Binding): SmiBinding {
  return binding.traffic as unknown as SmiBinding;
}

export function followersOf(learned: Json | undefined): SmiFollowers | undefined {
  return learned as unknown as SmiFollowers | undefined;
}
