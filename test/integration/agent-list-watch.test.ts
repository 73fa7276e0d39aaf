import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../cluster/api.ts';
import { KubeApi } from '../../src/agent/kubernetes/kube-api.ts';
import { ListWatch } from '../../src/agent/kubernetes/list-watch.ts';
import type { ListWatchState } from '../../src/agent/kubernetes/list-watch.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';

/** What a real API server does only when it likes: compaction, bookmarks, a Role taken away. Said here word by word. */
class Script {
  readonly requests: URLSearchParams[] = [];
  /** Answers to come, in order; the last one is repeated. */
  answers: ((query: URLSearchParams, response: ServerResponse) => void)[] = [];
  readonly server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    this.requests.push(query);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    response.setHeader('content-type', 'application/json');
    answer?.(query, response);
  });
}

const item = (name: string, resourceVersion = '1') => ({ metadata: { name, resourceVersion } });
const page =
  (names: string[], resourceVersion: string, next?: string) => (_query: URLSearchParams, response: ServerResponse) =>
    void response.end(
      JSON.stringify({ metadata: { resourceVersion, continue: next }, items: names.map((name) => item(name)) }),
    );
const events = (list: object[], ends: boolean) => (_query: URLSearchParams, response: ServerResponse) => {
  response.flushHeaders();
  response.write(list.map((each) => `${JSON.stringify(each)}\n`).join(''));
  if (ends) response.end();
};
const refuse = (code: number, reason: string) => (_query: URLSearchParams, response: ServerResponse) =>
  void response.writeHead(code).end(JSON.stringify({ kind: 'Status', code, reason, message: reason }));

let script: Script;
let stop: AbortController;
let states: ListWatchState[];
let changes: string[];
/** How often it was asked where the things are. */
let located: number;
let copy: ListWatch<string>;

beforeEach(async () => {
  script = new Script();
  await once(script.server.listen(0, '127.0.0.1'), 'listening');
  stop = new AbortController();
  states = [];
  changes = [];
  located = 0;
});

afterEach(async () => {
  stop.abort();
  script.server.closeAllConnections();
  await once(script.server.close(), 'close');
});

function run(...answers: Script['answers']): void {
  script.answers = answers;
  const { port } = script.server.address() as AddressInfo;
  const access = { server: `http://127.0.0.1:${port}`, read: async () => ({ tls: {}, headers: {} }) };
  copy = new ListWatch<string>({
    api: new KubeApi(access, systemClock),
    clock: systemClock,
    log: silentLog,
    random: () => 0,
    what: 'things',
    path: async () => {
      located += 1;
      return '/things';
    },
    reduce: (object) => object.metadata.resourceVersion ?? '',
    onChange: (key, previous, next) => changes.push(`${key}:${previous ?? '-'}>${next ?? '-'}`),
    // It is called when a list is done as well, with the state there is.
    onState: (state) => void (state !== (states.at(-1) ?? 'starting') && states.push(state)),
  });
  void copy.run(stop.signal);
}

const entries = () => [...copy.entries.keys()].toSorted();

test('a long list comes in pages, and the watch starts where it ended, with bookmarks and a spread timeout', async () => {
  run(page(['a', 'b'], '7', 'token'), page(['c'], '7'), events([], false));
  await until('the watch', async () => script.requests.length === 3);
  expect(entries()).toEqual(['a', 'b', 'c']);
  expect(script.requests[1]!.get('continue')).toBe('token');
  expect(Object.fromEntries(script.requests[2]!)).toMatchObject({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: '7',
  });
  expect(Number(script.requests[2]!.get('timeoutSeconds'))).toBeGreaterThanOrEqual(240);
});

test('a watch that the server ends goes on from the last bookmark, without a new list', async () => {
  const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '90' } } };
  run(page(['a'], '7'), events([{ type: 'MODIFIED', object: item('a', '8') }, bookmark], true), events([], false));
  await until('the second watch', async () => script.requests.length === 3);
  expect(script.requests[2]!.get('resourceVersion')).toBe('90');
  expect(changes).toEqual(['a:->1', 'a:1>8']);
  expect(states).toEqual(['live']);
  expect(located).toBe(1);
});

test('what is no longer served where it was listed is looked for at once, and followed where it is', async () => {
  run(page(['a'], '7'), refuse(404, 'NotFound'), page(['b'], '9'), events([], false));
  await until('it follows', async () => copy.state === 'live' && script.requests.length === 4);
  expect(entries()).toEqual(['b']);
  expect(located).toBe(2);
  expect(states).toEqual(['live']);
});

test('a version that is too old leads to a new list at once, and what went meanwhile is told', async () => {
  const tooOld = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } };
  run(page(['a', 'b'], '7'), events([tooOld], false), page(['b', 'c'], '50'), events([], false));
  await until('the second watch', async () => script.requests.length === 4);
  expect(changes).toEqual(['a:->1', 'b:->1', 'a:1>-', 'b:1>1', 'c:->1']);
  expect(script.requests[3]!.get('resourceVersion')).toBe('50');
  await until('it is followed again', async () => copy.state === 'live');
  expect(states).toEqual(['live', 'broken', 'live']);
});

test('watches that end at once are no way to follow: the copy is said to be broken', async () => {
  run(page(['a'], '7'), events([], true));
  await until('it is broken', async () => copy.state === 'broken');
  expect(copy.reason).toContain('a proxy must let long answers through');
});

test('a connection that breaks is a short blindness, said so, and the watch goes on where it was', async () => {
  run(
    page(['a'], '7'),
    (_query, response) => {
      response.flushHeaders();
      setImmediate(() => response.socket?.destroy());
    },
    events([{ type: 'DELETED', object: item('a', '9') }], false),
  );
  await until('it is live again', async () => states.length === 3 && copy.entries.size === 0);
  expect(states).toEqual(['live', 'broken', 'live']);
  expect(script.requests.filter((query) => !query.has('watch'))).toHaveLength(1);
});

test('an API server that cannot be reached is never said to be followed', async () => {
  run(page(['a'], '7'), (_query, response) => void response.socket?.destroy(), events([], false));
  await until('it is live', async () => copy.state === 'live');
  expect(states).toEqual(['broken', 'live']);
});

test('a right that is taken away does not empty the picture', async () => {
  run(page(['a'], '7'), refuse(403, 'Forbidden'));
  await until('it is forbidden', async () => copy.state === 'forbidden');
  expect(entries()).toEqual(['a']);
  expect(changes).toEqual(['a:->1']);
  await until('the picture ages', async () => copy.staleMs > 0);
});

test('a right that is missing is told; once it may be there it is looked for at once', async () => {
  run(refuse(403, 'Forbidden'), page(['a'], '7'), events([], false));
  await until('it is forbidden', async () => copy.state === 'forbidden');
  copy.revisit();
  await until('it is live', async () => copy.state === 'live');
  expect(copy.staleMs).toBe(0);
  expect(entries()).toEqual(['a']);
});

test('a resource that is taken away has no objects, and that is no fault', async () => {
  run(page(['a'], '7'), refuse(404, 'NotFound'));
  await until('it is absent', async () => copy.state === 'absent');
  expect(copy.staleMs).toBe(0);
  expect(entries()).toEqual([]);
  expect(states).toEqual(['absent']);
});
