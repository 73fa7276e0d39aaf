import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAll, judgeOne, together, type Measurement } from '../../../src/orchestrator/analysis/judge.ts';
import { renderQuery } from '../../../src/orchestrator/analysis/query-template.ts';

const value = (number: number): Measurement => ({ kind: 'value', value: number });
const none: Measurement = { kind: 'noData', reason: 'the query found no data' };

describe('judge', () => {
  it('passes on its limits and fails past them, with the numbers in the sentence', () => {
    expect(judgeOne('errors', { upperLimit: 0.01 }, value(0.01)).verdict).toBe('passed');
    expect(judgeOne('errors', { upperLimit: 0.01 }, value(0.02))).toEqual({
      verdict: 'failed',
      reason: 'errors is 0.02, above its upper limit 0.01',
    });
    expect(judgeOne('rate', { lowerLimit: 5 }, value(4)).reason).toBe('rate is 4, below its lower limit 5');
  });

  it('judges the average of the measurements that have data', () => {
    expect(judgeAll('errors', { upperLimit: 2 }, [value(1), none, value(3)])).toEqual({
      verdict: 'passed',
      reason: 'errors is 2 on average of 2, within 2',
    });
  });

  it('never passes without data', () => {
    fc.assert(
      fc.property(fc.array(fc.constant(none)), (measurements) => {
        expect(judgeAll('errors', { upperLimit: 1 }, measurements).verdict).toBe('inconclusive');
      }),
    );
    expect(together([]).verdict).toBe('inconclusive');
  });

  it('lets one failed query fail all, and one without data leave all open', () => {
    const passed = judgeOne('a', { upperLimit: 1 }, value(0));
    const failed = judgeOne('b', { upperLimit: 1 }, value(2));
    const open = judgeOne('c', { upperLimit: 1 }, none);
    expect(together([passed, open, failed]).verdict).toBe('failed');
    expect(together([passed, open]).verdict).toBe('inconclusive');
    expect(together([passed]).verdict).toBe('passed');
  });
});

describe('query templates', () => {
  it('fill in the documented variables without escaping, and the context', () => {
    const text = renderQuery(
      'rate(x{rs="{{armory.replicaSetName}}",team="{{context.team}}"}[{{armory.promQlStepInterval}}]) {{armory.intervalSeconds}} {{armory.startTimeIso8601}}',
      {
        applicationName: 'shop',
        deploymentId: 'dep_1',
        environmentName: 'staging',
        accountName: 'east',
        namespace: 'shop',
        replicaSetName: 'web-new',
        startMs: 1_000_000,
        endMs: 1_030_000,
        context: { team: 'a&b' },
      },
    );
    expect(text).toBe('rate(x{rs="web-new",team="a&b"}[30s]) 30 1970-01-01T00:16:40.000Z');
  });
});
