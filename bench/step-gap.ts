/** From one weight stored to the next, in a strategy of nothing but weights: what a step costs of itself. */

import { canaryPercent } from '../examples/demo/observe.ts';
import type { CanaryStep } from '../src/orchestrator/file/resolved.ts';
import { namespace, startCanaryBench } from './canary.ts';
import { rowOf, type Row } from './measure.ts';

const path = `/apis/split.smi-spec.io/v1alpha2/namespaces/${namespace}/trafficsplits`;
const runs = 2;

export async function stepGap(): Promise<Row[]> {
  await using bench = await startCanaryBench(1);
  const gaps: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const times = new Map<number, number>();
    const stop = await bench.kube.watch(path, ({ type, object }) => {
      const weight = Math.round(canaryPercent(object));
      if (type !== 'DELETED' && !times.has(weight)) times.set(weight, performance.now());
    });
    const { ended } = await bench.deploy(`v${run}`, everyPercent());
    const outcome = await ended;
    stop();
    if (outcome !== 'succeeded') throw new Error(`The run ended as ${outcome}.`);
    for (let weight = 2; weight < 100; weight++) {
      const [before, now] = [times.get(weight - 1), times.get(weight)];
      if (before === undefined || now === undefined) throw new Error(`Weight ${weight} was never stored.`);
      gaps.push(now - before);
    }
  }
  return [rowOf('step-gap', 'one weight stored to the next, no pause', gaps, 50)];
}

function everyPercent(): CanaryStep[] {
  return Array.from({ length: 99 }, (_, index) => ({ kind: 'setWeight', weight: index + 1 }));
}
