import { describe, expect, it } from 'vitest';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';
import type { GuardSettings } from '../../../src/orchestrator/file/resolved.ts';
import { edited, files, problems } from './good-file.ts';

const written = /guard:\n(?: .*\n)*/;

function guardOf(text: string): GuardSettings | undefined {
  const read = readDeploymentFile(edited([written, text]), 'deploy.yaml', files);
  return read.ok ? read.file.targets[0]?.guard : undefined;
}

describe('guard', () => {
  it('is on, ten minutes and one endpoint, unless a file says otherwise', () => {
    const usual = { lostContact: { afterMs: 600_000, do: 'rollback' }, minReady: { count: 1 } };
    for (const text of ['', 'guard: {}\n', 'guard: { lostContact: {} }\n']) expect(guardOf(text)).toEqual(usual);
  });

  it.each([
    ['lostContact: { do: hold }', { lostContact: { afterMs: 600_000, do: 'hold' } }],
    ['lostContact: { after: 2h, do: Rollback }', { lostContact: { afterMs: 7_200_000, do: 'rollback' } }],
    ['minReady: 3', { minReady: { count: 3 } }],
    ['minReady: 100%', { minReady: { percent: 100 } }],
  ])('takes %s', (text, settings) => {
    expect(guardOf(`guard: { ${text} }\n`)).toMatchObject(settings);
  });

  it.each([
    ['lostContact: { after: 10 }', 'after must be text'],
    ['lostContact: { after: 10 minutes }', 'must be a time such as 90s, 10m or 1h'],
    ['lostContact: { after: 59s }', 'after must be a minute at least'],
    ['lostContact: { do: wait }', 'must be one of rollback, hold'],
    ['minReady: 0', 'must be a number of pods, 1 at least, or a share of them such as 50%'],
    ['minReady: 101%', 'must be a number of pods, 1 at least, or a share of them such as 50%'],
    ['minReady: half', 'must be a number of pods, 1 at least, or a share of them such as 50%'],
    ['onCrash: ignore', 'onCrash'],
  ])('refuses %s where it stands', (text, message) => {
    const found = problems(edited([written, `guard: { ${text} }\n`]));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
    expect(found[0]).toMatch(/^deploy.yaml:32:/);
  });
});
