/** What happens to a rollout by which requests may be lost, until it has answered. */

import type { Body } from './cluster.ts';
import { applyOld, edit, pick, podOf, remove, setFirstWeight, tolerate, type Act } from './scene.ts';

export const HARMS: Readonly<Record<string, Act>> = {
  crashCanary({ cluster, controllers, plan }, random) {
    const pod = podOf(cluster, plan.bindings[0]?.workload.canaryHash, random);
    if (pod !== undefined) controllers.kubelet.crash(pod);
  },
  crashStable({ cluster, controllers, plan }, random) {
    const pod = podOf(cluster, plan.bindings[0]?.workload.stableHash, random);
    if (pod !== undefined) controllers.kubelet.crash(pod);
  },
  /** What the old version needs is gone for long, and somebody takes the new one back all the same. */
  starveStable({ cluster, controllers, orchestrator, plan, clock }, random) {
    const hash = plan.bindings[0]?.workload.stableHash;
    const pods = cluster.ofKind('Pod').filter(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash);
    const keys = pods.map(({ metadata }) => `Pod/${metadata.name}`);
    for (const key of keys) controllers.kubelet.set(key, { ready: false });
    clock.after(60_000 + random() * 60_000, () => {
      for (const key of keys) cluster.whenUp(() => controllers.kubelet.set(key, { ready: true }));
    });
    clock.after(1_000, () => orchestrator.abort('aborted by somebody'));
  },
  failPod({ cluster, controllers }, random) {
    const pod = podOf(cluster, undefined, random);
    if (pod !== undefined)
      controllers.kubelet.set(pod, { phase: 'Failed', ready: false, reason: 'Evicted', failing: true });
  },
  editSplit: ({ cluster }) => edit(cluster, 'TrafficSplit/web', setFirstWeight('backends')),
  editRoute: ({ cluster }) =>
    edit(cluster, 'HTTPRoute/web-sluice', (object) => {
      const [rule] = (object as Body<{ spec: { rules: { backendRefs: { weight: number }[] }[] } }>).spec.rules;
      for (const reference of rule?.backendRefs ?? []) reference.weight = 50;
    }),
  deleteSplit: ({ cluster }) => remove(cluster, 'TrafficSplit/web'),
  deleteRoute: ({ cluster }) => remove(cluster, 'HTTPRoute/web-sluice'),
  deleteStableService: ({ cluster }) => remove(cluster, 'Service/web-stable'),
  deleteCanaryService: ({ cluster }) => remove(cluster, 'Service/web-canary'),
  deleteSet: ({ cluster, plan }) => remove(cluster, `ReplicaSet/${plan.bindings[0]?.workload.setName}`),
  /** Somebody gives the root its own selector back. */
  widenRoot: ({ cluster }) =>
    edit(cluster, 'Service/web', (object) => {
      (object as Body<{ spec: { selector: object } }>).spec.selector = { app: 'web' };
    }),
  editTemplate: ({ cluster }) =>
    edit(cluster, 'Deployment/web', (object) => {
      const { template } = (object as Body<{ spec: { template: { spec: object } } }>).spec;
      template.spec = { containers: [{ name: 'web', image: 'web:hotfix' }] };
    }),
  resumeByHand: ({ cluster }) =>
    edit(cluster, 'Deployment/web', (object) => delete (object as Body<{ spec: { paused?: boolean } }>).spec.paused),
  /** A GitOps tool that has not heard of the new version: the manifests of before, once or several times. */
  applyOldManifests: ({ cluster, plan, clock }, random) => {
    const times = 1 + Math.floor(random() * 4);
    for (let turn = 0; turn < times; turn++) clock.after(turn * 3_000, () => tolerate(() => applyOld(cluster, plan)));
  },
  /** `kubectl rollout undo`: refused while the Deployment is paused. */
  undoByHand: ({ cluster, plan }) =>
    edit(cluster, 'Deployment/web', (object) => {
      const { spec } = object as Body<{ spec: { paused?: boolean; template: unknown } }>;
      if (spec.paused !== true) spec.template = structuredClone(plan.bindings[0]?.workload.template);
    }),
  selectOther: ({ cluster }, random) =>
    edit(cluster, pick(['Service/web-stable', 'Service/web-canary', 'Service/web'], random), (object) => {
      (object as Body<{ spec: { selector: object } }>).spec.selector = { app: 'other' };
    }),
  deleteDeployment: ({ cluster }) => remove(cluster, 'Deployment/web'),
  deleteRoot: ({ cluster }) => remove(cluster, 'Service/web'),
  /** Somebody takes a pod aside to look at it. */
  orphanPod: ({ cluster }, random) => {
    const pod = podOf(cluster, undefined, random);
    if (pod !== undefined) edit(cluster, pod, ({ metadata }) => (metadata.labels = { app: 'aside' }));
  },
  /** A controller that wants its own, and is faster than anybody. */
  fight({ cluster, clock, orchestrator }, random) {
    const key = pick(['Service/web', 'TrafficSplit/web', 'Deployment/web'], random);
    const until = clock.now + 20_000;
    const wanted = JSON.stringify(cluster.get(key)?.['spec']);
    const isOver = (): boolean => clock.now >= until || orchestrator.outcome !== undefined;
    const want = (): void => {
      if (cluster.get(key) === undefined) return;
      cluster.update(key, 'other-controller', (object) => (object['spec'] = JSON.parse(wanted)));
    };
    const turn = (): void => {
      if (isOver()) return;
      tolerate(want);
      clock.after(50, turn);
    };
    if (wanted !== undefined) turn();
  },
};
