/** What `sluice up` chooses for a machine, and what it says of the orchestrator's log. */

import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { chooseAddress } from '../../../src/cli/choose-address.ts';
import { planUp, readLogLine, tell } from '../../../src/cli/up-plan.ts';

function at(address: string, internal = false): NetworkInterfaceInfo {
  const rest = { netmask: '255.255.255.0', mac: '00:00:00:00:00:00', cidr: `${address}/24` };
  return { address, internal, family: 'IPv4', ...rest };
}

const lo = [at('127.0.0.1', true)];

test.each([
  ['the network that others are in', { lo, docker0: [at('172.17.0.1')], eth0: [at('192.168.1.20')] }, '192.168.1.20'],
  ['a bridge where there is nothing else', { lo, docker0: [at('172.17.0.1')] }, '172.17.0.1'],
  ['no address that nobody gave', { lo, eth0: [at('169.254.3.4')] }, undefined],
  ['nothing but loopback', { lo }, undefined],
])('its address: %s', (_what, interfaces, address) => {
  expect(chooseAddress(interfaces)).toBe(address);
});

describe('the plan', () => {
  const flags = { agent: 'local', namespaces: 'default' };
  const interfaces = { lo, eth0: [at('192.168.1.20')] };

  test('agents are served on all addresses and told one; the API stays on this machine', () => {
    const { dataDir, address, why, settings } = planUp(flags, '/home/mary', interfaces);
    expect([dataDir, address]).toEqual(['/home/mary/.local/share/sluice', '192.168.1.20:8443']);
    expect(why).toContain('--address HOST:PORT');
    expect(settings).toMatchObject({
      SLUICE_API_ADDRESS: '127.0.0.1:8080',
      SLUICE_AGENT_ADDRESS: '0.0.0.0:8443',
      SLUICE_AGENT_PUBLIC_ADDRESS: '192.168.1.20:8443',
    });
  });

  test('a given address is told as it is, and served at its port', () => {
    const { settings } = planUp({ ...flags, address: 'mary.example:9443' }, '/home/mary', interfaces);
    expect(settings).toMatchObject({
      SLUICE_AGENT_ADDRESS: '0.0.0.0:9443',
      SLUICE_AGENT_PUBLIC_ADDRESS: 'mary.example:9443',
    });
    const local = planUp({ ...flags, address: '127.0.0.1:9443' }, '/home/mary', interfaces);
    expect(local.settings['SLUICE_AGENT_ADDRESS']).toBe('127.0.0.1:9443');
  });

  test('a machine without an address says so', () => {
    const { address, why } = planUp(flags, '/home/mary', { lo });
    expect([address, why.includes('no cluster reaches it')]).toEqual(['127.0.0.1:8443', true]);
  });
});

describe('the log', () => {
  const line = (more: object) => ({
    level: 'info',
    msg: 'database is running',
    time: 'now',
    name: 'orchestrator',
    ...more,
  });

  test('agents that come and go are told in a sentence', () => {
    const connected = line({
      msg: 'agent connected',
      account: 'east',
      agent_version: '0.1.0',
      kubernetes_version: 'v1.37.0',
    });
    expect(tell(connected, false)).toBe('Agent east is connected (agent 0.1.0, Kubernetes v1.37.0).');
    const gone = line({ msg: 'agent disconnected', account: 'east', reason: 'the connection was lost' });
    expect(tell(gone, false)).toBe('Agent east is gone: the connection was lost.');
  });

  test('what needs a person is told with its reason; the rest when it is asked for', () => {
    const error = line({ level: 'fatal', msg: 'could not start', err: { code: 'X', message: 'Free it.' }, port: 1 });
    expect(tell(error, false)).toBe('fatal: could not start: Free it. port=1');
    expect([tell(line({}), false), tell(line({ pid: 7 }), true)]).toEqual([
      undefined,
      'info: database is running pid=7',
    ]);
  });

  test('what is no line of the log is none', () => {
    expect([readLogLine('hello'), readLogLine('{"level":"info"}')]).toEqual([undefined, undefined]);
    expect(readLogLine('{"level":"info","msg":"x"}')).toMatchObject({ msg: 'x' });
  });
});
