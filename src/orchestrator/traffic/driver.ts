/** How a share of traffic becomes real. Drivers are pure, and named nowhere but in the registry. */

import type { Json } from '../../protocol/records.ts';
import type { Binding, Entry, Gate, Traffic, Want, World } from '../rollout/model.ts';

/** A state on the way from one traffic to another, with what must have happened before the next. */
export interface Leg {
  name: string;
  traffic: Traffic;
  gates: Gate[][];
}

export type Followed =
  | { kind: 'followed'; learned?: Json }
  | { kind: 'waiting'; reason: string }
  /** Nothing more will come of waiting. */
  | { kind: 'refused'; reason: string };

/** Ready endpoints behind each side of the share; undefined while they are not seen live. */
interface Ready {
  stable: number | undefined;
  canary: number | undefined;
}

export interface Driver {
  /** Everything that it writes, edits, or causes. */
  inventory(binding: Binding): Entry[];
  /** The states in between, the end included. */
  path(binding: Binding, from: Traffic, to: Traffic): Leg[];
  /** What the cluster must look like. */
  desired(binding: Binding, traffic: Traffic, learned: Json | undefined): Want[];
  /**
   * What the mesh's own status proves.
   * @param isLate the time for it is over: learn who follows, or refuse.
   */
  followed(binding: Binding, traffic: Traffic, learned: Json | undefined, world: World, isLate: boolean): Followed;
  /** Whether the mesh has let go of what was removed. */
  letGo(binding: Binding, world: World): boolean;
  ready(binding: Binding, traffic: Traffic, world: World): Ready;
  /** How many canary pods a traffic takes. @param size of the Deployment. */
  canarySize(traffic: Traffic, size: number): number;
  /** The Service that sends to one version alone, where the driver has one. */
  canaryService(binding: Binding): string | undefined;
  stableService(binding: Binding): string | undefined;
}
