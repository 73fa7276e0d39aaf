/** What a process says of itself, under the names that dashboards know: processor, memory, and how busy its event loop is. */

import { performance } from 'node:perf_hooks';
import { gauge } from './metrics.ts';
import type { Family, MetricDefinition } from './metrics.ts';

export const PROCESS_METRICS = {
  cpu: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time used, in user and system mode.',
  },
  resident: { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Resident memory.' },
  heap: { name: 'nodejs_heap_size_used_bytes', type: 'gauge', help: 'JavaScript heap in use.' },
  started: { name: 'process_start_time_seconds', type: 'gauge', help: 'When the process began, in Unix time.' },
  loopBusy: {
    name: 'nodejs_eventloop_busy_seconds_total',
    type: 'counter',
    help: 'Time in which the event loop did not wait: its rate is near 1 when the process cannot keep up.',
  },
  loopLag: {
    name: 'nodejs_eventloop_lag_seconds',
    type: 'gauge',
    help: 'How long the event loop took to come round, measured at this scrape.',
  },
} as const satisfies Record<string, MetricDefinition>;

/** Costs one turn of the event loop, and no timer between two scrapes. */
export async function processMetrics(): Promise<Family[]> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const lagMs = await oneTurnMs();
  return [
    gauge(PROCESS_METRICS.cpu, (user + system) / 1e6),
    gauge(PROCESS_METRICS.resident, rss),
    gauge(PROCESS_METRICS.heap, heapUsed),
    gauge(PROCESS_METRICS.started, performance.timeOrigin / 1000),
    gauge(PROCESS_METRICS.loopBusy, performance.eventLoopUtilization().active / 1000),
    gauge(PROCESS_METRICS.loopLag, lagMs / 1000),
  ];
}

async function oneTurnMs(): Promise<number> {
  const askedMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  await promise;
  return performance.now() - askedMs;
}
