/** The plan of a canary, for tests that need some. */

import { DEFAULT_GUARD } from '../../src/orchestrator/file/resolve-guard.ts';
import type { CanaryPlan } from '../../src/orchestrator/plan/rollout-plan.ts';
import { routeNames } from './route-names.ts';

const workload = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas: 1, selector: {}, template: {} },
};

/** With `retain: true`. */
export const canaryPlan: CanaryPlan = {
  kind: 'canary',
  others: { objects: [], undo: [] },
  asked: workload,
  becomes: workload,
  steps: [],
  names: routeNames,
  root: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  },
  rootSelector: { app: 'web' },
  stableHash: 'old',
  canaryHash: 'new',
  canarySetName: 'web-new',
  liveReplicas: 1,
  canaryReplicas: 1,
  scaledByHpa: false,
  hadProfile: false,
  retain: true,
  isRetained: false,
  readyTimeoutMs: 1,
  guard: DEFAULT_GUARD,
  hasOldGuard: false,
};
