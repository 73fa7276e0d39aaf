/** An agent that lacks a right looks again by itself; one that lacks none asks once. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { OwnRights } from '../../src/agent/own-rights.ts';
import { silentLog } from '../../src/shared/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Says what a real API server does not on command: that it grants nothing, everything, or does not answer. */
let says: 'nothing' | 'everything' | 'gone';
let asked: string[];
let clock: ManualClock;
let rights: OwnRights;

const server = createServer((request, response) => {
  const path = request.url ?? '';
  asked.push(path.split('/').at(-1) ?? '');
  if (says === 'gone') return void response.writeHead(403).end('{}');
  if (path === '/apis/linkerd.io') return void response.writeHead(404).end('{}');
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const resourceRules = says === 'everything' ? [all] : [];
  return void response.end(JSON.stringify({ status: { resourceRules, allowed: false } }));
});

beforeEach(async () => {
  asked = [];
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  clock = new ManualClock();
  const access = { server: `http://127.0.0.1:${port}`, read: () => Promise.resolve({ headers: {}, tls: {} }) };
  const policy = { allowedNamespaces: ['shop'] };
  rights = new OwnRights({ api: new KubeApi(access, clock), policy, clock, log: silentLog });
});

afterEach(async () => {
  rights.stop();
  server.closeAllConnections();
  await once(server.close(), 'close');
});

test('nothing is missing: one request, and never another', async () => {
  says = 'everything';
  await rights.review();
  expect(rights.missing).toEqual([]);
  clock.advance(3_600_000);
  expect(asked).toEqual(['selfsubjectrulesreviews']);
});

test('what is missing is looked at again, and what the cluster does not serve is not missing', async () => {
  says = 'nothing';
  await rights.review();
  const { missing } = rights;
  expect(missing).toContainEqual({ namespace: 'shop', group: 'apps', resource: 'replicasets', verb: 'create' });
  expect(missing?.filter(({ group }) => group === 'linkerd.io')).toEqual([]);
  says = 'everything';
  clock.advance(600_000);
  await expect.poll(() => rights.missing).toEqual([]);
});

test('an API server that does not let it ask is asked again, and nothing is said to be missing', async () => {
  says = 'gone';
  await rights.review();
  expect(rights.missing).toBeNull();
  says = 'everything';
  clock.advance(600_000);
  await expect.poll(() => rights.missing).toEqual([]);
});
