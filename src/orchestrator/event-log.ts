/** The log's view of what runs do: each event of a deployment is a line, as it is an event of the API. */

import type { Log } from '../shared/log.ts';
import type { EventRow } from './store/events.ts';
import type { Store } from './store/store.ts';

/** What should be known, though the run sees to it. */
const WARNINGS = new Set(['warning', 'problem', 'drift', 'rollback.started']);
/** Of interest to who looks at one run. */
const DETAILS = new Set(['analysis.measurement']);
/** An application's own words, which may be anything: they are in the API for who may read the deployment, and in no log. */
const NOT_OURS = new Set(['pod.log', 'job.log']);

/** @returns ends it. */
export function startEventLog(store: Pick<Store, 'changes'>, log: Log): () => Promise<void> {
  const onEvent = (event: EventRow): void => say(event, log);
  store.changes.on('event', onEvent);
  return () => {
    store.changes.off('event', onEvent);
    return Promise.resolve();
  };
}

function say({ deploymentId, rolloutId, kind, message }: EventRow, log: Log): void {
  if (NOT_OURS.has(kind)) return;
  const fields = { deployment: deploymentId, ...(rolloutId !== null && { rollout: rolloutId }), kind, message };
  if (WARNINGS.has(kind)) log.warn(fields, 'deployment event');
  else if (DETAILS.has(kind)) log.debug(fields, 'deployment event');
  else log.info(fields, 'deployment event');
}
