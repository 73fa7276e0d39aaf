import { DEFAULT_GUARD } from '../../../src/orchestrator/file/resolve-guard.ts';
import { expect, it } from 'vitest';
import { needsOf, neededAccess, type Needs } from '../../../src/orchestrator/plan/access.ts';
import type { ResolvedTarget } from '../../../src/orchestrator/file/resolved.ts';

const none: Needs = { isFirst: false, hasSplit: false, hasRoutes: false, hasProfiles: false, hasJobs: false };

function asked(needs: Partial<Needs>): string[] {
  return neededAccess({ ...none, ...needs }).map(({ group, resource, verb }) => `${verb} ${resource}.${group}`);
}

const target: ResolvedTarget = {
  name: 'staging',
  account: 'east',
  namespace: 'shop',
  dependsOn: [],
  objects: [],
  strategy: { name: 's', steps: [{ kind: 'setWeight', weight: 10 }] },
  smi: [{ rootServiceName: 'web', trafficSplitName: 'web' }],
  readyTimeoutMs: 1,
  guard: DEFAULT_GUARD,
};
const served = { splits: ['v1alpha2'], routes: true, profiles: true };

it('a run asks for Jobs and their logs only where a step runs one', () => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'smoke' } };
  const steps = [{ kind: 'runJob' as const, name: 'smoke', job, source: 'x', timeoutMs: 1 }];
  expect(needsOf(target, served, false).hasJobs).toBe(false);
  expect(needsOf({ ...target, strategy: { name: 's', steps } }, served, false).hasJobs).toBe(true);
  const more = asked({ hasJobs: true }).filter((rule) => !asked({}).includes(rule));
  expect(more).toEqual([
    'list jobs.batch',
    'watch jobs.batch',
    'create jobs.batch',
    'patch jobs.batch',
    'delete jobs.batch',
    'get pods/log.',
  ]);
});

it('a run asks for routes and profiles only where they are served, and for a split only where it makes one', () => {
  expect(needsOf(target, { ...served, routes: false, profiles: false }, false)).toEqual({ ...none, hasSplit: true });
  expect(needsOf({ ...target, smi: [] }, served, false)).toEqual(none);
  expect(asked({ hasSplit: true }).join()).not.toMatch(/httproutes|serviceprofiles/);
  expect(asked({ hasSplit: true, hasRoutes: true }).join()).toContain('create httproutes');
  expect(asked({ hasSplit: true, hasProfiles: true }).join()).toContain('delete serviceprofiles');
  expect(asked({}).join()).not.toMatch(/trafficsplits|create replicasets|delete/);
});

it('a first deployment may remove what it made', () => {
  expect(asked({ isFirst: true })).toContain('delete deployments.apps');
  expect(asked({})).not.toContain('delete deployments.apps');
});
