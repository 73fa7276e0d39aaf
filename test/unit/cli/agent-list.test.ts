/** The list of agents: what is wrong with which, since when, and what to do. */

import { expect, test } from 'vitest';
import { agentHints, agentTable } from '../../../src/cli/agent-list.ts';
import type { Agent } from '../../../src/cli/agent-list.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');

const well: Agent = {
  account: 'east',
  connected: true,
  revokedAt: null,
  connectedAt: '2026-11-24T11:57:00Z',
  disconnectedAt: null,
  disconnectReason: null,
  agentVersion: '0.1.0',
  kubernetesVersion: 'v1.37.0',
  protocol: 3,
  namespaces: ['shop', 'api'],
  missingRights: [],
  certificateEndsAt: '2026-12-24T12:00:00Z',
};
const gone: Agent = {
  ...well,
  account: 'west',
  connected: false,
  disconnectedAt: '2026-11-24T10:00:00Z',
  disconnectReason: '3 heartbeats missed',
};
const right = (namespace: string, verb: string, group: string, resource: string) => ({
  namespace,
  verb,
  group,
  resource,
});

test('each has a line: state, since when, versions, rights, namespaces', () => {
  const old = { ...well, account: 'old', protocol: null, missingRights: null, kubernetesVersion: '' };
  const fresh: Agent = {
    ...old,
    account: 'new',
    connected: false,
    connectedAt: null,
    agentVersion: null,
    namespaces: [],
  };
  const revoked: Agent = { ...gone, account: 'off', revokedAt: '2026-11-23T12:00:00Z' };
  expect(agentTable([well, gone, old, fresh, revoked], NOW).split('\n')).toEqual([
    'ACCOUNT  STATE            SINCE      AGENT  PROTOCOL  KUBERNETES  RIGHTS  NAMESPACES',
    'east     connected        3 min ago  0.1.0  3         v1.37.0     all     shop,api',
    'west     disconnected     2 h ago    0.1.0  3         v1.37.0     all     shop,api',
    'old      connected        3 min ago  0.1.0  -         -           -       shop,api',
    'new      never connected  -          -      -         -           -       -',
    'off      revoked          1 d ago    0.1.0  3         v1.37.0     all     shop,api',
  ]);
});

test('of those that are well, or revoked, nothing more is said', () => {
  expect(agentHints([well, { ...gone, revokedAt: '2026-11-23T12:00:00Z' }], NOW)).toEqual([]);
});

test('one that has gone: since when, why, and what to do', () => {
  expect(agentHints([gone], NOW)).toEqual([
    'west left 2 h ago: 3 heartbeats missed. Its own log names the cause and what to do. One that is gone for good: sluice agents revoke west',
  ]);
});

test('one that was never here', () => {
  const [hint] = agentHints([{ ...gone, connectedAt: null }], NOW);
  expect(hint).toMatch(/^west was never here\. Install it with its credential/);
});

test('missing rights in one sentence for each namespace, the first resources by name', () => {
  const missingRights = [
    right('shop', 'create', 'apps', 'deployments'),
    right('shop', 'patch', 'apps', 'deployments'),
    right('shop', 'get', '', 'services'),
    right('shop', 'list', '', 'pods'),
    right('shop', 'watch', 'batch', 'jobs'),
    right('api', 'list', '', 'pods'),
  ];
  const hints = agentHints([{ ...well, missingRights }], NOW);
  expect(hints.map((hint) => hint.split(': a canary')[0])).toEqual([
    'east may not create, patch deployments.apps; get services; list pods and 1 resource more in shop',
    'east may not list pods in api',
  ]);
});

test('a certificate that is not renewed', () => {
  const ends = (certificateEndsAt: string) => agentHints([{ ...well, certificateEndsAt }], NOW);
  expect(ends('2026-11-27T00:00:00Z')).toEqual([]);
  expect(ends('2026-11-24T18:00:00Z')).toEqual([
    'east: its certificate ends in 6 h and was not renewed. Its own log says why.',
  ]);
  expect(ends('2026-11-24T11:00:00Z')[0]).toContain('its certificate has ended');
});
