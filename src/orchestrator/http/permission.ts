/** Who may do what over the API: decided here alone, of a role, a token's applications and what is asked. Pure. */

/** Each may what those before it may. */
export const ROLES = ['viewer', 'deployer', 'approver', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** `administer`: agents, tokens, the audit. */
export type Action = 'read' | 'deploy' | 'approve' | 'administer';

/** What a route declares. `open`: asked without a token, by probes. */
export type Access = Action | 'open';

/** The least role that may. */
export const LEAST_ROLE: Readonly<Record<Action, Role>> = {
  read: 'viewer',
  deploy: 'deployer',
  approve: 'approver',
  administer: 'admin',
};

export type Permission =
  { may: true } | { may: false; lacks: 'role'; needs: Role } | { may: false; lacks: 'application' };

/**
 * @param scope the applications of a token; null: all.
 * @param application what it is done to; undefined: not to one application, as when agents or one's own deployments are listed.
 */
export function mayDo(role: Role, scope: readonly string[] | null, action: Action, application?: string): Permission {
  const needs = LEAST_ROLE[action];
  if (ROLES.indexOf(role) < ROLES.indexOf(needs)) return { may: false, lacks: 'role', needs };
  // What administers is of no application: who may do it could give itself the others.
  const isOutside = action === 'administer' ? scope !== null : !isInScope(scope, application);
  return isOutside ? { may: false, lacks: 'application' } : { may: true };
}

function isInScope(scope: readonly string[] | null, application: string | undefined): boolean {
  return scope === null || application === undefined || scope.includes(application);
}

/**
 * Whether somebody carries one of the roles that a pause names (`requiresRoles`): as a label of the token, or as its role.
 * An admin always may, as in the product whose files these are.
 * @param required empty: whoever may approve.
 */
export function carriesRole(role: Role, asRoles: readonly string[], required: readonly string[]): boolean {
  if (required.length === 0 || role === 'admin') return true;
  return required.some((name) => name === role || asRoles.includes(name));
}
