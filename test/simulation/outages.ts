/** What happens to a rollout by which nobody may lose a request. */

import type { Body } from './cluster.ts';
import { edit, fire, killOnce, pick, remove, type Act, type Weighted } from './scene.ts';

export const OUTAGES: Readonly<Record<string, Act>> = {
  killOrchestrator({ orchestrator, clock }, random) {
    if (!orchestrator.isRunning) return;
    orchestrator.kill();
    clock.after(500 + random() * 5_000, () => orchestrator.start());
  },
  /** At a write or a checkpoint, before or after it is on its way. */
  killAtEffect({ orchestrator, clock }, random) {
    killOnce(orchestrator, clock, { at: 1 + Math.floor(random() * 25), when: random() < 0.5 ? 'before' : 'after' });
  },
  loseLink({ orchestrator, clock }, random) {
    if (!orchestrator.isLinkUp) return;
    orchestrator.loseLink();
    clock.after(200 + random() * 10_000, () => orchestrator.restoreLink());
  },
  stopApi({ cluster, clock, controllers }, random) {
    cluster.isDown = true;
    clock.after(200 + random() * 5_000, () => {
      cluster.isDown = false;
      controllers.wakeAll();
    });
  },
  stopAdaptor({ mesh, clock, controllers }, random) {
    mesh.isAdaptorStopped = true;
    clock.after(random() * 20_000, () => {
      mesh.isAdaptorStopped = false;
      controllers.wakeAll();
    });
  },
  stopPolicy({ mesh, clock, controllers }, random) {
    mesh.isPolicyStopped = true;
    clock.after(random() * 20_000, () => {
      mesh.isPolicyStopped = false;
      controllers.wakeAll();
    });
  },
  stopControllers({ controllers, clock }, random) {
    controllers.isStopped = true;
    clock.after(random() * 10_000, () => {
      controllers.isStopped = false;
      controllers.wakeAll();
    });
  },
  blindWatch({ orchestrator }, random) {
    const kinds = [
      'Pod',
      'EndpointSlice',
      'Service',
      'ReplicaSet',
      'Deployment',
      'TrafficSplit',
      'ServiceProfile',
    ] as const;
    orchestrator.blind(pick(kinds, random), 500 + random() * 8_000);
  },
  abort: ({ orchestrator }) => orchestrator.abort('aborted by somebody'),
  deleteGuard: ({ cluster, plan }) => remove(cluster, `ConfigMap/${plan.guard.name}`),
  resize: ({ cluster }, random) =>
    edit(
      cluster,
      'Deployment/web',
      (object) => ((object as Body<{ spec: { replicas: number } }>).spec.replicas = 1 + Math.floor(random() * 5)),
    ),
  /** The agent's guard: all to the stable, and it says so. */
  fireGuard: ({ cluster, plan }) => fire(cluster, plan),
  withdraw: ({ cluster }) =>
    edit(cluster, 'Deployment/web', ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, 'sluice.dev/withdrawn': 'by somebody' };
    }),
  refuseSplits({ cluster, clock }, random) {
    cluster.refuses.add(pick(['TrafficSplit', 'Service', 'ConfigMap', 'HTTPRoute'], random));
    clock.after(random() * 90_000, () => cluster.refuses.clear());
  },
  /** A webhook or a schema that can never be pleased. */
  refuseForEver: ({ cluster }, random) => {
    cluster.invalid.add(pick(['ReplicaSet', 'TrafficSplit', 'Service'], random));
  },
  /** Just as the orchestrator takes it off. */
  fireGuardInFlight: ({ orchestrator, cluster, plan }) => {
    orchestrator.onSend = (write) => {
      const isOff = write.do === 'patch' && write.changes.some(({ field, to }) => field === 'state' && to === 'off');
      if (isOff) fire(cluster, plan);
    };
  },
  /** A webhook with ideas of its own about weights or selectors. */
  mutate: ({ cluster }) => {
    cluster.mutate = (object) => {
      if (object.kind !== 'TrafficSplit') return;
      for (const backend of (object as Body<{ spec: { backends: Weighted[] } }>).spec.backends) {
        if (backend.weight > 0 && backend.weight < 10_000) backend.weight = Math.round(backend.weight / 100);
      }
    };
  },
  refuseSets({ cluster, clock }, random) {
    cluster.refuses.add('ReplicaSet');
    clock.after(random() * 90_000, () => cluster.refuses.delete('ReplicaSet'));
  },
};
