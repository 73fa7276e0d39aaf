import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { node } from '../../support/child.ts';

const source = join(import.meta.dirname, '../../../src/shared');

/** Runs a script in a process of its own whose faults go to its log. */
function run(script: string) {
  const whole = `
    const { createLog } = await import('${source}/log.ts');
    const { logProcessFaults } = await import('${source}/process-faults.ts');
    logProcessFaults(createLog({ name: 'test', format: 'json', level: 'debug' }));
    ${script}`;
  const { stdout, stderr, status } = spawnSync(node, ['--input-type=module', '-e', whole], { encoding: 'utf8' });
  return { lines: stdout.split('\n').filter((line) => line !== ''), stderr, status };
}

test.each([
  ['thrown', 'setImmediate(() => { throw fault; });'],
  ['of a promise that nobody waits for', 'void Promise.reject(fault);'],
])('a fault %s is one line, with its place and without what hangs on it, and ends the process', (_how, act) => {
  const { lines, stderr, status } = run(`
    const fault = Object.assign(new Error('it broke'), { code: 'E1', config: { headers: { authorization: 'Bearer planted' } } });
    ${act}`);
  expect(status).toBe(1);
  expect(stderr).toBe('');
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('planted');
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'fatal',
    msg: 'unexpected fault',
    err: { code: 'E1', message: 'it broke' },
    stack: expect.stringMatching(/^ +at /) as string,
  });
});

test('a warning of a library is a line too', () => {
  const { lines, stderr, status } = run(`process.emitWarning('old ways');`);
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'debug', msg: 'runtime warning', what: 'old ways' });
});
