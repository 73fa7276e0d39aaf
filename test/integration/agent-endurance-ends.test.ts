/** What a hub says at the end of a session is what the agent does, whatever its own schedule would be: by what it says of its next attempt, and by when it comes. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../src/shared/log.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { SmallHub } from '../support/small-hub.ts';
import type { SmallHubOptions } from '../support/small-hub.ts';

interface Line {
  msg: string;
  code?: string;
  message?: string;
  next_retry_ms?: number;
}

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.token('shop', 'somebody');
});

afterAll(async () => plane?.stop());

/** An agent whose own longest wait is a tenth of a second. */
async function impatient(
  options: SmallHubOptions,
): Promise<{ hub: SmallHub; agent: TestAgent; endings: () => Line[] } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const hub = stack.use(await new SmallHub(options).listen());
  const lines: Line[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
  const agent = stack.use(
    await startAgent({
      server: `127.0.0.1:${hub.port}`,
      kubeconfig: plane.kubeconfig,
      namespaces: ['shop'],
      config: { reconnectMaxMs: 100 },
      log: createLog({ name: 'agent', format: 'json', level: 'debug', destination }),
    }),
  );
  const endings = (): Line[] => lines.filter(({ msg }) => msg === 'session ended' || msg === 'cannot connect');
  return { hub, agent, endings, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function ended(endings: () => Line[]): Promise<Line> {
  await expect.poll(() => endings().length).toBeGreaterThan(0);
  return endings()[0] ?? { msg: '' };
}

test.each(['RETRY', 'LIMIT', 'VERSION', 'FENCED', 'SOME_LATER_CODE'])(
  'Refused %s with a time: it is said, and the agent comes back then, not before',
  async (code) => {
    const refuses = { code, message: `because of ${code}`, retryAfterMs: 400 };
    await using world = await impatient({ refuses });
    const { hub, endings } = world;
    const firstMs = await hub.until('the first try', () => hub.hellos.length === 1 && performance.now());
    const { next_retry_ms: waitMs = 0, ...line } = await ended(endings);
    expect(line).toMatchObject({ code, message: `because of ${code}` });
    expect(waitMs).toBeGreaterThanOrEqual(400);
    expect(waitMs).toBeLessThanOrEqual(500);
    await hub.until('the second try', () => hub.hellos.length === 2);
    expect(performance.now() - firstMs).toBeGreaterThanOrEqual(390);
  },
);

test.each([
  ['LIMIT', 60_000],
  ['FENCED', 60_000],
  ['VERSION', 300_000],
])('Refused %s without a time: the agent stays away as long as a person may need', async (code, leastMs) => {
  await using world = await impatient({ refuses: { code, message: 'no', retryAfterMs: 0 } });
  const { hub, agent, endings } = world;
  const { next_retry_ms: waitMs = 0 } = await ended(endings);
  expect(waitMs).toBeGreaterThanOrEqual(leastMs);
  expect(waitMs).toBeLessThanOrEqual(leastMs * 1.25);
  expect(hub.hellos).toHaveLength(1);
  // And is told to stop in the middle of it without being waited for.
  await agent.stop();
  expect(hub.hellos).toHaveLength(1);
});

test('GoAway: a moment within the spread after the time, and the wait does not grow with the sessions that ended so', async () => {
  await using world = await impatient({});
  const { hub, endings } = world;
  for (let session = 1; session <= 5; session++) {
    await hub.until(`session ${session}`, () => hub.hellos.length === session);
    await hub.connected();
    hub.send({ body: 'goAway', goAway: { reason: 'rotation', reconnectAfterMs: 200, spreadMs: 100 } });
    await hub.until('it is gone', () => hub.hellos.length > session);
  }
  const waits = endings().map(({ next_retry_ms: waitMs = 0 }) => waitMs);
  expect(waits).toHaveLength(5);
  for (const waitMs of waits) {
    expect(waitMs).toBeGreaterThanOrEqual(200);
    expect(waitMs).toBeLessThan(300);
  }
});
