/** The marks Sluice leaves on what it creates or edits, so that whoever finds leftovers can undo them. */

/** Label: the rollout, in a form a label allows. */
export const ROLLOUT = 'sluice.dev/rollout';
/** Label: what the object is for. */
export const ROLE = 'sluice.dev/role';
/** Label on the canary ReplicaSet: the Deployment it runs beside (the agent watches by it). */
export const BESIDE = 'sluice.dev/deployment';
/** Annotation on an edited object: JSON of what to put back. */
export const RESTORE = 'sluice.dev/restore';
/**
 * Label on a Deployment that is held (paused) for a rollout. No annotation: the controller copies those to the
 * ReplicaSets, where they stay, and `kubectl rollout undo` would bring them back.
 */
export const HELD = 'sluice.dev/held';
/** Label on split and backends that stay between runs (`retain: true`): the next run takes them over. */
export const RETAINED = 'sluice.dev/retained';
/** Annotation on a retained split: the root's ServiceProfile came of it, and goes with it. */
export const MADE_PROFILE = 'sluice.dev/made-profile';
/** Annotation on a split: the guard that its agent keeps, and what it did. */
export const GUARD = 'sluice.dev/guard';
/** Annotation: who took a rollout back by hand, or which guard, and why. Only these write it, in the same patch as what they change. */
export const WITHDRAWN = 'sluice.dev/withdrawn';
/** Label the Deployment controller puts on the pods of one revision. */
export const TEMPLATE_HASH = 'pod-template-hash';

export type Role = 'split' | 'companion' | 'stable' | 'canary' | 'canary-set' | 'job' | 'guard';

/** `dep_1:staging` -> `dep_1.staging`: at most 63 characters of what a label value allows, ending in one that it may end in. */
export function rolloutLabel(rolloutId: string): string {
  return rolloutId
    .replace(/[^A-Za-z0-9_.-]/g, '.')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '');
}

export function marks(rolloutId: string, role: Role): Record<string, string> {
  return { [ROLLOUT]: rolloutLabel(rolloutId), [ROLE]: role, 'app.kubernetes.io/managed-by': 'sluice' };
}
