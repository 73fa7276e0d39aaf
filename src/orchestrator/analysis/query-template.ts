/** Query templates: mustache variables of `armory.*` (the format's word) and `context.*`. */

import Mustache from 'mustache';

export interface QueryVariables {
  applicationName: string;
  deploymentId: string;
  environmentName: string;
  accountName: string;
  namespace: string;
  replicaSetName: string;
  /** The window that is looked at, milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  context: Record<string, string>;
}

/** Renders without HTML escaping; a variable that is not known renders empty, as mustache does. */
export function renderQuery(template: string, variables: QueryVariables): string {
  const { startMs, endMs, context, ...names } = variables;
  const windowMs = Math.max(endMs - startMs, 1_000);
  const armory = {
    ...names,
    ...instants('start', startMs),
    ...instants('end', endMs),
    intervalSeconds: Math.round(windowMs / 1000),
    intervalMillis: windowMs,
    promQlStepInterval: `${Math.round(windowMs / 1000)}s`,
  };
  return Mustache.render(template, { armory, context }, undefined, { escape: (value: unknown) => String(value) });
}

function instants(name: 'start' | 'end', ms: number): Record<string, string | number> {
  return {
    [`${name}TimeIso8601`]: new Date(ms).toISOString(),
    [`${name}TimeEpochSeconds`]: Math.floor(ms / 1000),
    [`${name}TimeEpochMillis`]: ms,
  };
}
