/** docs/protocol.md says of the link what the source does. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HUB_LIMITS } from '../../../src/orchestrator/hub/hub-limits.ts';
import { OPERATION_KINDS } from '../../../src/protocol/operation-codec.ts';
import { LIMITS, PROTOCOL_MAX, PROTOCOL_MIN } from '../../../src/protocol/service.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/protocol.md'), 'utf8');
const proto = readFileSync(join(root, 'proto/sluice/agent/v1/agent.proto'), 'utf8');

test('every message that either side sends has its place in the page', () => {
  const bodies = [...proto.matchAll(/^message (?:AgentMessage|HubMessage) \{\n {2}oneof body \{([^}]*)\}/gm)];
  const names = bodies.flatMap(([, body = '']) =>
    [...body.matchAll(/^ {4}(\w+) \w+ = \d+;/gm)].map(([, name]) => name ?? ''),
  );
  expect(names.length).toBeGreaterThan(12);
  expect([...new Set(names)].filter((name) => !page.includes(name))).toEqual([]);
});

test('its figures are those of the source', () => {
  expect(page).toContain(`Protocol versions spoken by this release: ${PROTOCOL_MIN} to ${PROTOCOL_MAX}.`);
  const figures = [
    `at most ${LIMITS.maxMessageBytes / 1024 / 1024} MiB encoded`,
    `above ${LIMITS.chunkBytes / 1024} KiB, up to ${LIMITS.maxTotalBytes / 1024 / 1024} MiB in all`,
    `(${LIMITS.heartbeatMs / 1000} s), by both`,
    `within ${LIMITS.welcomeTimeoutMs / 1000} s`,
    `${HUB_LIMITS.handshakes.perSecond} new streams a second`,
    `a ${HUB_LIMITS.handshakes.perSecond}th of a second`,
    `${Math.round(HUB_LIMITS.sessions.perSecond * 60)} new sessions a minute`,
    `${HUB_LIMITS.messages.perSecond} messages a second`,
    `become old (${HUB_LIMITS.sessionAgeMs / 60_000} min`,
  ];
  expect(figures.filter((figure) => !page.replaceAll('\n', ' ').includes(figure))).toEqual([]);
  for (const kind of ['apply', 'patch', 'guard', 'http', 'scrape']) expect(OPERATION_KINDS).toContain(kind);
});
