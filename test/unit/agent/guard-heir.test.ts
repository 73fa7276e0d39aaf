import { expect, test } from 'vitest';
import { Guards } from '../../../src/agent/guard/guards.ts';
import type { GuardsOptions } from '../../../src/agent/guard/guards.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('one that stood by for days counts the orchestrator’s silence from when it begins to guard', () => {
  const clock = new ManualClock();
  // No namespace: nothing is asked of any cluster.
  const options = { clock, monotonicMs: () => clock.now(), log: silentLog, policy: { allowedNamespaces: [] } };
  const guards = new Guards(options as unknown as GuardsOptions);
  clock.advance(86_400_000);
  guards.start();
  clock.advance(1000);
  expect(guards.silentMs).toBe(1000);
  guards.stop();
});
