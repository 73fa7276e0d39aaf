/** The guard's own object: what the agent does by itself, and whether it has. Pure. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { Json } from '../../protocol/records.ts';
import { floorOf } from '../plan/guard.ts';
import { marks } from '../plan/marks.ts';
import type { Plan, Stage, Want, World } from './model.ts';

/** @param sizes of the canaries, one for each binding; undefined: not known now. */
export function guardWants(plan: Plan, state: Stage['guard'], sizes: (number | undefined)[], world: World): Want[] {
  const { name } = plan.guard;
  switch (state) {
    case 'asIs':
      return [];
    case 'none':
      return [{ kind: 'ConfigMap', name, state: 'absent', fields: {} }];
    case 'off':
      return [{ kind: 'ConfigMap', name, state: 'ifExists', fields: { state: 'off' } }];
    case 'armed': {
      const floors = floorsNow(plan, sizes, world);
      if (floors === undefined) return [];
      const fields = { state: 'armed', floors };
      return [{ kind: 'ConfigMap', name, state: 'present', fields, object: guardObject(plan, floors) }];
    }
  }
}

/** One floor for each binding, as text: `web=2`. It rises only when that many are ready. */
function floorsNow(plan: Plan, sizes: (number | undefined)[], world: World): string | undefined {
  const present = world.see('ConfigMap', plan.guard.name);
  const now = typeof present === 'string' ? {} : parse(present.fields['floors']);
  const parts: string[] = [];
  for (const [index, { workload }] of plan.bindings.entries()) {
    const size = sizes[index];
    if (size === undefined) return undefined;
    const wanted = floorOf(plan.guard.minReady, size);
    const set = world.see('ReplicaSet', workload.setName);
    const available = typeof set === 'string' ? 0 : set.facts.available;
    const current = now[workload.name];
    const isRaise = current !== undefined && wanted > current;
    parts.push(`${workload.name}=${isRaise && available < wanted ? current : wanted}`);
  }
  return parts.join(',');
}

function parse(floors: Json | undefined): Record<string, number> {
  if (typeof floors !== 'string') return {};
  const pairs = floors.split(',').map((part) => part.split('='));
  return Object.fromEntries(pairs.map(([name = '', floor]) => [name, Number(floor)]));
}

/** The floor that the stored guard holds for a workload; undefined where none is armed. */
export function armedFloor(plan: Plan, workload: string, world: World): number | undefined {
  const record = world.see('ConfigMap', plan.guard.name);
  if (typeof record === 'string' || record.fields['state'] !== 'armed') return undefined;
  return parse(record.fields['floors'])[workload];
}

function guardObject(plan: Plan, floors: string): KubeObject {
  const metadata = { name: plan.guard.name, namespace: plan.namespace, labels: marks(plan.rollout, 'guard') };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { state: 'armed', floors } };
}
