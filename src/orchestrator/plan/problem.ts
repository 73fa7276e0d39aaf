/** What stands in a run's way, in words. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { HELD, RESTORE } from './marks.ts';

export interface Problem {
  /** Stable word for scripts; listed in docs/errors.md. */
  code: string;
  /** `Service web`, or the place in the file. */
  object: string;
  message: string;
}

/** An object that another rollout has not let go. */
export function leftover(object: KubeObject): Problem[] {
  const { annotations, labels } = object.metadata;
  const restore = annotations?.[RESTORE];
  const [key, value] = restore === undefined ? [HELD, labels?.[HELD]] : [RESTORE, restore];
  if (value === undefined) return [];
  return [
    {
      code: 'LEFTOVER',
      object: `${object.kind} ${object.metadata.name}`,
      message: `another rollout still holds it (${key}: ${value}): wait for that rollout to end, or undo it by hand`,
    },
  ];
}
