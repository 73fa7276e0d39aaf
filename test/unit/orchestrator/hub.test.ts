/** What the hub decides: whom it takes, when an operation is over, and who hears what of a watch. */

import { emptySnapshot } from '../../support/empty-snapshot.ts';
import { expect, test } from 'vitest';
import type { Hello__Output } from '../../../src/protocol/gen/sluice/agent/v1/Hello.ts';
import type { Snapshot, Watch } from '../../../src/protocol/snapshot.ts';
import { LIMITS, PROTOCOL_MAX } from '../../../src/protocol/service.ts';
import { admit } from '../../../src/orchestrator/hub/admission.ts';
import { GRACE_MS, HELD_MS, expiry } from '../../../src/orchestrator/hub/expiry.ts';
import { judgeIdentity } from '../../../src/orchestrator/hub/identify.ts';
import { WatchDesk } from '../../../src/orchestrator/hub/watch-desk.ts';

const HELLO: Hello__Output = {
  instanceId: 'pod',
  protocolMin: 1,
  protocolMax: 1,
  capabilities: ['apply'],
  agentVersion: '0.1.0',
  kubernetesVersion: 'v1.37.0',
  lastEpoch: 0,
  openOperations: [],
  watchVersions: {},
  maxMessageBytes: 0,
  credit: 0,
  allowedNamespaces: [],
  rightsReviewed: false,
  missingRights: [],
};

test.each([
  ['the same protocol', { protocolMin: 1, protocolMax: 1 }, 1],
  ['a newer agent that still speaks ours', { protocolMin: 1, protocolMax: PROTOCOL_MAX + 1 }, PROTOCOL_MAX],
  ['an older agent than we are', { protocolMin: 1, protocolMax: PROTOCOL_MAX - 1 }, PROTOCOL_MAX - 1],
])('%s is taken', (_what, range, protocol) => {
  expect(admit({ ...HELLO, ...range })).toMatchObject({ terms: { protocol } });
});

test.each([
  [{ protocolMin: PROTOCOL_MAX + 1, protocolMax: PROTOCOL_MAX + 2 }, 'Upgrade the orchestrator'],
  [{ protocolMin: 0, protocolMax: 0 }, 'Upgrade the agent'],
])('an agent that speaks only %j is told which side to upgrade', (range, hint) => {
  expect(admit({ ...HELLO, ...range })).toEqual({ code: 'VERSION', refused: expect.stringContaining(hint) });
});

test('chunks are agreed on with an agent that knows them', () => {
  expect(admit(HELLO)).toMatchObject({ terms: { maxTotalBytes: 0 } });
  expect(admit({ ...HELLO, protocolMax: 2 })).toMatchObject({ terms: { maxTotalBytes: LIMITS.maxTotalBytes } });
});

test('an epoch that cannot have been given is not believed: it would leave its account none', () => {
  expect(admit({ ...HELLO, lastEpoch: 2 ** 63 })).toMatchObject({ code: 'FENCED' });
});

test('the smaller limit of both holds', () => {
  expect(admit({ ...HELLO, credit: 3, maxMessageBytes: 5_000_000 })).toMatchObject({
    terms: { credit: 3, maxMessageBytes: LIMITS.maxMessageBytes },
  });
  expect(admit(HELLO)).toMatchObject({ terms: { credit: LIMITS.credit } });
});

const FACTS = { notAfterMs: 1_000_000, startedMs: 0, maySent: true, isHeld: false };

test('before its deadline an operation waits for exactly that', () => {
  expect(expiry(FACTS, 999_000)).toEqual({ againInMs: 1_000 });
});

test('one that was never sent is over at its deadline, and nothing was done', () => {
  expect(expiry({ ...FACTS, maySent: false }, 1_000_000)).toEqual({
    expired: expect.stringContaining('Nothing was done'),
  });
});

test('one that was sent gets its agent a grace, and then may have been done', () => {
  expect(expiry(FACTS, 1_000_000)).toEqual({ againInMs: GRACE_MS });
  expect(expiry(FACTS, 1_000_000 + GRACE_MS)).toEqual({ expired: expect.stringContaining('may have been done') });
});

test('after a restart of the orchestrator the grace begins with it', () => {
  const startedMs = 1_500_000;
  expect(expiry({ ...FACTS, startedMs }, startedMs)).toEqual({ againInMs: GRACE_MS });
});

test('one that a live session holds is waited for, but not for ever', () => {
  expect(expiry({ ...FACTS, isHeld: true }, 1_000_000 + GRACE_MS)).toEqual({ againInMs: GRACE_MS });
  expect(expiry({ ...FACTS, isHeld: true }, 1_000_000 + HELD_MS)).toHaveProperty('expired');
});

const KNOWN = { account: 'east', certificateSerial: 's', previousSerial: null, revokedAt: null };

test('only the current credential of a known account that is not revoked counts', () => {
  expect(judgeIdentity(KNOWN, true)).toEqual({ account: 'east' });
  expect(judgeIdentity(undefined, true)).toHaveProperty('refused');
  expect(judgeIdentity(KNOWN, false)).toHaveProperty('refused');
  expect(judgeIdentity({ ...KNOWN, revokedAt: new Date(0) }, true)).toHaveProperty('refused');
});

const WATCH: Watch = {
  id: 'w',
  namespace: 'shop',
  deployment: 'web',
  services: [],
  routes: [],
  profiles: [],
  jobs: [],
};
const snapshot = (version: number): Snapshot => emptySnapshot('w', version);

test('the same watch again is no change, another one is, and drops what was seen of the old', () => {
  const changes: string[] = [];
  const desk = new WatchDesk((account) => changes.push(account));
  desk.set('east', WATCH);
  desk.take('east', snapshot(1));
  desk.set('east', { ...WATCH });
  expect(changes).toEqual(['east']);
  expect(desk.latest('w')?.version).toBe(1);
  desk.set('east', { ...WATCH, split: 'web' });
  expect(changes).toEqual(['east', 'east']);
  expect(desk.latest('w')).toBeUndefined();
});

test('a watch that moves to another account leaves the old one', () => {
  const changes: string[] = [];
  const desk = new WatchDesk((account) => changes.push(account));
  desk.set('east', WATCH);
  desk.set('west', WATCH);
  expect(changes).toEqual(['east', 'east', 'west']);
  expect([desk.of('east'), desk.of('west')]).toEqual([[], [WATCH]]);
  desk.remove('east', 'w');
  expect(desk.of('west')).toEqual([WATCH]);
});

test('snapshots of another account and of an ended watch are not heard', () => {
  const desk = new WatchDesk(() => {});
  const seen: unknown[] = [];
  desk.listen('w', (each) => seen.push(each?.version));
  desk.take('east', snapshot(1));
  desk.set('east', WATCH);
  desk.take('west', snapshot(2));
  desk.take('east', snapshot(3));
  desk.remove('east', 'w');
  desk.take('east', snapshot(4));
  expect(seen).toEqual([3]);
});
