import { expect, test } from 'vitest';
import {
  isDone,
  isOurs,
  markField,
  markOf,
  markedSteps,
  markedMerge,
  withMark,
} from '../../../src/agent/operations/mark.ts';
import { KnownMarks } from '../../../src/agent/operations/known-marks.ts';
import type { KubeObject } from '../../../src/protocol/kube-object.ts';

const object = (kind: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'x', ...metadata },
});

test.each([
  ['TrafficSplit', 'annotations'],
  ['Service', 'annotations'],
  ['ReplicaSet', 'annotations'],
  ['Deployment', 'labels'],
  ['StatefulSet', 'labels'],
  ['DaemonSet', 'labels'],
] as const)('a %s carries its mark in the %s', (kind, place) => {
  const marked = withMark(object(kind, { labels: { a: '1' }, annotations: { b: '2' } }), 7);
  expect(marked.metadata[place]).toMatchObject({ 'sluice.dev/generation': '7' });
  expect(markOf(marked)).toBe(7);
  expect(markField(kind)).toBe(`.metadata.${place}.sluice.dev/generation`);
  expect(markedMerge({ spec: {} }, kind, 7)).toEqual({
    spec: {},
    metadata: { [place]: { 'sluice.dev/generation': '7' } },
  });
  expect(markedMerge({ metadata: { labels: { c: null } } }, kind, undefined)).toMatchObject({
    metadata: { [place]: { 'sluice.dev/generation': null }, labels: { c: null } },
  });
  const path = `/metadata/${place}/sluice.dev~1generation`;
  const put = { op: 'add', path, value: '7' };
  expect(markedSteps(kind, ['step'], 5, 7, false)).toEqual([{ op: 'test', path, value: '5' }, 'step', put]);
  expect(markedSteps(kind, ['step'], 0, 7, false)).toEqual([{ op: 'test', path, value: null }, 'step', put]);
});

test('what is no generation counts as none', () => {
  for (const text of ['', 'x', '-1', '1.5', '99999999999999999999']) {
    expect(markOf(object('Service', { annotations: { 'sluice.dev/generation': text } }))).toBe(0);
  }
  expect(markOf(object('Service'))).toBe(0);
});

test('only what carries the role is ours', () => {
  expect(isOurs(object('Service', { labels: { 'sluice.dev/role': 'stable' } }))).toBe(true);
  expect(isOurs(object('Service', { labels: { app: 'x' } }))).toBe(false);
});

test('a smaller mark lets an operation pass, its own tells that it is done, a greater one refuses it', () => {
  expect(isDone(0, 5, 'Service shop/x')).toBe(false);
  expect(isDone(4, 5, 'Service shop/x')).toBe(false);
  expect(isDone(5, 5, 'Service shop/x')).toBe(true);
  expect(() => isDone(6, 5, 'Service shop/x')).toThrow(expect.objectContaining({ code: 'SUPERSEDED' }));
});

test('a read never lowers what a write made known; a write that takes the mark off does', () => {
  const marks = new KnownMarks();
  expect(marks.get('a')).toBeUndefined();
  marks.written('a', 5);
  marks.seen('a', 3);
  expect(marks.get('a')).toBe(5);
  marks.seen('a', 6);
  expect(marks.get('a')).toBe(6);
  marks.written('a', 0);
  expect(marks.get('a')).toBe(0);
});

test('ten thousand marks are kept, the one unheard of for longest goes', () => {
  const marks = new KnownMarks();
  for (let at = 0; at < 10_000; at++) marks.seen(`key-${at}`, at);
  marks.seen('key-0', 0);
  marks.seen('one more', 1);
  expect([marks.get('key-0'), marks.get('key-1'), marks.get('key-2')]).toEqual([0, undefined, 2]);
  marks.clear();
  expect(marks.get('key-2')).toBeUndefined();
});
