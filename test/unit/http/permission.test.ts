/** Who may do what: the whole table, and that no route of the API is without its row. */

import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import {
  carriesRole,
  mayDo,
  ROLES,
  type Access,
  type Action,
  type Role,
} from '../../../src/orchestrator/http/permission.ts';
import { makeRoutes } from '../../../src/orchestrator/http/routes.ts';
import { requiredRoles } from '../../../src/orchestrator/http/required-roles.ts';
import type { TokenBook } from '../../../src/orchestrator/http/token-book.ts';
import type { Services } from '../../../src/orchestrator/orchestrator.ts';
import type { ResolvedFile } from '../../../src/orchestrator/file/resolved.ts';

const ACTIONS: Action[] = ['read', 'deploy', 'approve', 'administer'];

/** What each may, of ACTIONS. */
const TABLE: Record<Role, boolean[]> = {
  viewer: [true, false, false, false],
  deployer: [true, true, false, false],
  approver: [true, true, true, false],
  admin: [true, true, true, true],
};

describe('a role', () => {
  it.each(ROLES)('%s may what the table says', (role) => {
    expect(ACTIONS.map((action) => mayDo(role, null, action).may)).toEqual(TABLE[role]);
    expect(ACTIONS.map((action) => mayDo(role, null, action, 'shop').may)).toEqual(TABLE[role]);
  });

  it('that is too low is told the least that would do', () => {
    expect(mayDo('viewer', null, 'deploy')).toEqual({ may: false, lacks: 'role', needs: 'deployer' });
    expect(mayDo('approver', null, 'administer')).toEqual({ may: false, lacks: 'role', needs: 'admin' });
  });
});

describe('a scope', () => {
  it.each(ROLES)('keeps %s to its applications', (role) => {
    for (const action of ACTIONS.slice(0, 3)) {
      const allowed = mayDo(role, null, action).may;
      expect(mayDo(role, ['shop', 'blog'], action, 'blog').may).toBe(allowed);
      // Its own list is nobody's application.
      expect(mayDo(role, ['shop'], action).may).toBe(allowed);
      expect(mayDo(role, ['shop'], action, 'blog').may).toBe(false);
      expect(mayDo(role, [], action, 'blog').may).toBe(false);
    }
  });

  it('leaves nobody to administer, who could give himself the rest', () => {
    expect(mayDo('admin', ['shop'], 'administer')).toEqual({ may: false, lacks: 'application' });
  });

  it('is of whole names', () => {
    expect(mayDo('deployer', ['shop'], 'deploy', 'shop-2').may).toBe(false);
    expect(mayDo('deployer', ['shop'], 'deploy', '').may).toBe(false);
  });
});

describe('requiresRoles of a pause', () => {
  it.each([
    ['nobody in particular', 'approver', [], [], true],
    ['a label that it carries', 'approver', ['release-managers'], ['qa', 'release-managers'], true],
    ['one that it does not', 'approver', ['qa'], ['release-managers'], false],
    ['its own role', 'approver', [], ['approver'], true],
    ['an admin, whatever is asked', 'admin', [], ['release-managers'], true],
  ] as [string, Role, string[], string[], boolean][])('by %s', (_what, role, labels, required, may) => {
    expect(carriesRole(role, labels, required)).toBe(may);
  });

  it('are those of the step that a rollout waits at, counted from 1', () => {
    const approval = (name: string): object => ({ kind: 'approval', requiresRoles: [name] });
    const steps = [{ kind: 'setWeight', weight: 10 }, approval('qa'), { kind: 'analysis' }, approval('ops')];
    const file = { targets: [{ name: 'prod', strategy: { name: 's', steps } }] } as unknown as ResolvedFile;
    const at = (step: number, target = 'prod'): string[] => requiredRoles(file, { target, step });
    expect([at(1), at(2), at(3), at(4)]).toEqual([[], ['qa'], [], ['ops']]);
    // Before the first step, past the last, of no target.
    expect([at(0), at(5), at(2, 'dev')]).toEqual([[], [], []]);
  });
});

it('every route of the API says who may ask', async () => {
  const app = fastify();
  const routes: { route: string; access: Access | undefined }[] = [];
  app.addHook(
    'onRoute',
    ({ method, url, config }) => void routes.push({ route: `${String(method)} ${url}`, access: config?.access }),
  );
  await makeRoutes(app, {} as Services, {} as TokenBook);
  expect(routes.length).toBeGreaterThan(15);
  expect(routes.filter(({ access }) => access === undefined)).toEqual([]);
  const open = routes.filter(({ access }) => access === 'open').map(({ route }) => route);
  // What is asked without a token is asked by everybody: one more here is a decision.
  const decided = ['/livez', '/metrics', '/readyz'];
  expect(open.toSorted()).toEqual(['GET', 'HEAD'].flatMap((method) => decided.map((path) => `${method} ${path}`)));
  // What changes something is nobody's who may only read.
  const changing = routes.filter(({ route, access }) => !/^(GET|HEAD) /.test(route) && access === 'read');
  expect(changing).toEqual([]);
});
