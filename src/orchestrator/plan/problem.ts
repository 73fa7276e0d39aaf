/** What stands in a run's way, in words. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { RESTORE } from './marks.ts';

export interface Problem {
  /** Stable word for scripts; listed in docs/errors.md. */
  code: string;
  /** `Service web`, or the place in the file. */
  object: string;
  message: string;
}

/** An object that another rollout has not let go. */
export function leftover(object: KubeObject): Problem[] {
  const restore = object.metadata.annotations?.[RESTORE];
  if (restore === undefined) return [];
  return [
    {
      code: 'LEFTOVER',
      object: `${object.kind} ${object.metadata.name}`,
      message: `another rollout still holds it (${RESTORE}: ${restore}): wait for that rollout to end, or undo it by hand as the annotation says`,
    },
  ];
}
