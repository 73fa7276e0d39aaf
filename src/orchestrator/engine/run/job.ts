/** An integration test: a Kubernetes Job beside the canary, its log shown, its end judged. */

import type { Verdict } from '../../analysis/judge.ts';
import type { RunJobStep } from '../../file/resolved.ts';
import { jobObject } from '../../plan/job.ts';
import { watchCanary, type CanaryState } from './canary-state.ts';
import { RunFault } from './fault.ts';
import { showDuration } from '../../../shared/duration.ts';
import { watchfully } from './watchful.ts';

/** Enough to see a test fail, little enough for an event. */
const LOG_LINES = 40;

type JobEnd = { state: 'complete' } | { state: 'failed'; why: string };

export async function runJob(state: CanaryState, step: RunJobStep, number: number): Promise<void> {
  const { run, plan } = state;
  const job = jobObject(step.job, run.identity, plan.names, number);
  const { name } = job.metadata;
  await run.say('job.started', `job ${step.name} runs as Job ${name}`, undefined, { job: name });
  state.jobs.push(name);
  watchCanary(state);
  await run.call(`run Job ${name}`, { kind: 'apply', objects: [job], force: true });
  const end = await watchfully<JobEnd>(state, 'job', {
    limitMs: step.timeoutMs,
    met: (snapshot) => {
      const record = snapshot.jobs.find((seen) => seen.name === name);
      if (record === undefined || record.state === 'running') return undefined;
      return record.state === 'complete'
        ? { state: 'complete' }
        : { state: 'failed', why: record.message || record.reason };
    },
  });
  await showLog(state, name);
  await judgeEnd(state, step, number, end.kind === 'met' ? end.value : undefined);
  await removeJobs(state);
}

async function judgeEnd(state: CanaryState, step: RunJobStep, number: number, end: JobEnd | undefined): Promise<void> {
  const say = (reason: string, verdict: Verdict): Promise<void> => {
    state.verdicts.push({ step: number, verdict, reason });
    return state.run.say('job.ended', reason, { verdicts: [...state.verdicts] }, { job: step.name, verdict });
  };
  if (end?.state === 'complete') return say(`job ${step.name} passed`, 'passed');
  const why = end === undefined ? `did not end within ${showDuration(step.timeoutMs)}` : `failed: ${end.why}`;
  await say(`job ${step.name} ${why}`, 'failed');
  throw new RunFault(`job ${step.name} ${why}`);
}

/** A log that cannot be read is said; it does not decide. */
async function showLog({ run }: CanaryState, job: string): Promise<void> {
  const { namespace } = run.identity;
  const labelSelector = `batch.kubernetes.io/job-name=${job}`;
  const result = await run.attempt('read the log', { kind: 'logs', namespace, labelSelector, tailLines: LOG_LINES });
  if (result.state !== 'succeeded')
    return run.say('warning', `the log of Job ${job} cannot be read: ${result.message}`);
  const { pods } = result.value as { pods: { pod: string; container: string; text: string }[] };
  for (const { pod, container, text } of pods) {
    if (text.trim() !== '') await run.say('job.log', text.trimEnd(), undefined, { pod, container });
  }
}

/** Jobs of ended steps and, after a fault, of the one that ran: their pods go with them. */
export async function removeJobs(state: CanaryState): Promise<void> {
  const { run } = state;
  const { namespace } = run.identity;
  for (const name of state.jobs.splice(0)) {
    const object = { apiVersion: 'batch/v1', kind: 'Job', namespace, name };
    await run.insist(`remove Job ${name}`, { kind: 'delete', object, propagation: 'background', waitGone: true });
  }
  watchCanary(state);
}
