/** Which deployment a person means: its id, an application (its newest), or the beginning of an id. */

import type { ApiClient } from './api-client.ts';
import { EXIT, Exit } from './exit-code.ts';

interface Listed {
  id: string;
  application: string;
  state: string;
}

const WHOLE_ID = /^dep_[0-9a-z]{13}$/;
/** The most that the API lists at once. */
const NEWEST = 1_000;
/** Of an ambiguous beginning. */
const SHOWN = 5;

/** @throws Exit when there is none, or more than one. */
export async function findDeployment(api: ApiClient, given: string): Promise<string> {
  if (WHOLE_ID.test(given)) return given;
  const ofApplication = `/v1/deployments?application=${encodeURIComponent(given)}&limit=1`;
  const [newest] = (await api.get<{ deployments: Listed[] }>(ofApplication)).deployments;
  if (newest !== undefined) return newest.id;
  return byBeginning((await api.get<{ deployments: Listed[] }>(`/v1/deployments?limit=${NEWEST}`)).deployments, given);
}

/**
 * @param deployments newest first.
 * @param given may leave out `dep_`.
 */
function byBeginning(deployments: Listed[], given: string): string {
  const found = deployments.filter(({ id }) => given !== '' && (id.startsWith(given) || id.startsWith(`dep_${given}`)));
  const [first, second] = found;
  if (first === undefined)
    throw new Exit(EXIT.error, `There is no deployment or application ${given}. List them with: sluice status`);
  if (second === undefined) return first.id;
  const shown = found.slice(0, SHOWN).map(({ id, application, state }) => `  ${id}  ${application}  ${state}`);
  const more = found.length > SHOWN ? [`  and ${found.length - SHOWN} more`] : [];
  throw new Exit(EXIT.invalid, [`${given} may be any of these deployments:`, ...shown, ...more].join('\n'));
}
