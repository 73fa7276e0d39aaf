import { describe, expect, it } from 'vitest';
import { Aborted, OperationFault } from '../../../src/orchestrator/engine/run/fault.ts';
import { Run } from '../../../src/orchestrator/engine/run/run.ts';
import type { OperationResult, ResultCode, TerminalState } from '../../../src/protocol/operation.ts';
import { identity, runWorld } from '../../support/run-world.ts';

const get = { kind: 'get', object: { apiVersion: 'v1', kind: 'Service', name: 'web', namespace: 'shop' } } as const;

function result(id: string, state: TerminalState, code: ResultCode): OperationResult {
  return { id, state, code, message: code === 'OK' ? '' : 'it says why', value: { object: {} }, atMs: 0 };
}

describe('an operation of a run', () => {
  it('is asked again under a new id while nobody did it, and numbered so that a replay asks alike', async () => {
    const ids: string[] = [];
    const w = runWorld(undefined, ({ id }) => {
      ids.push(id);
      return ids.length < 3 ? result(id, 'expired', 'EXPIRED') : result(id, 'succeeded', 'OK');
    });
    const run = new Run(w.ports, identity);
    await run.call('read', get);
    await run.call('read', get);
    expect(ids).toEqual(['dep_1:staging/1', 'dep_1:staging/1.2', 'dep_1:staging/1.3', 'dep_1:staging/2']);
    expect(w.said.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['warning', 1],
      ['warning', 2],
    ]);
  });

  it('that failed is a fault in the words of the agent', async () => {
    const w = runWorld(undefined, ({ id }) => result(id, 'failed', 'FORBIDDEN'));
    const failed = new Run(w.ports, identity).call('read', get);
    await expect(failed).rejects.toThrow(OperationFault);
    await expect(failed).rejects.toThrow('read failed: it says why (FORBIDDEN)');
  });

  it('hears an abort while the agent is away: nobody waits for ever', async () => {
    const w = runWorld(undefined, ({ id }) => {
      w.ask({ id: 1, kind: 'abort', by: 'ann', reason: 'enough' });
      return result(id, 'expired', 'EXPIRED');
    });
    const aborted = new Run(w.ports, identity).call('read', get);
    await expect(aborted).rejects.toThrow(Aborted);
    await expect(aborted).rejects.toThrow('aborted by ann: enough');
  });

  it('that only reads is taken back by an abort; one that writes is waited for, since it may have been done', async () => {
    const patch = { kind: 'patch', object: get.object, type: 'merge', body: {} } as const;
    const cancels: [string, boolean][] = [];
    const w = runWorld(undefined, async ({ id, spec }, cancel) => {
      w.ask({ id: cancels.length + 1, kind: 'abort', by: 'ann', reason: 'enough' });
      await new Promise(setImmediate);
      cancels.push([spec.kind, cancel?.aborted ?? false]);
      return cancel?.aborted ? result(id, 'cancelled', 'CANCELLED') : result(id, 'succeeded', 'OK');
    });
    const run = new Run(w.ports, identity);
    await expect(run.call('read', get)).rejects.toThrow(Aborted);
    await run.call('write', patch);
    expect(cancels).toEqual([
      ['get', true],
      ['patch', false],
    ]);
    expect(w.said).toEqual([]);
    expect(w.dangling()).toBe(0);
  });
});
