/** The names of a canary's traffic objects, for tests that need some. */

import type { RouteNames } from '../../src/orchestrator/plan/route.ts';
import { identity } from './run-world.ts';

export const routeNames: RouteNames = {
  rolloutId: identity.rolloutId,
  namespace: 'shop',
  root: 'web',
  stable: 'web-stable',
  canary: 'web-canary',
  ownsCanary: true,
  split: 'web',
  splitVersion: 'v1alpha2',
  companions: [{ name: 'web-sluice', port: 80 }],
};
