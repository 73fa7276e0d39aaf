/** A deployment of one Deployment and its Service, as the API would begin it. */

import { startDeployment } from '../src/orchestrator/engine/run/register.ts';
import { DEFAULT_GUARD } from '../src/orchestrator/file/resolve-guard.ts';
import type { CanaryStep, ResolvedFile, ResolvedTarget } from '../src/orchestrator/file/resolved.ts';
import type { Orchestrator } from '../src/orchestrator/orchestrator.ts';
import { insertDeployment, newDeploymentId } from '../src/orchestrator/store/deployments.ts';
import type { KubeObject } from '../src/protocol/kube-object.ts';

export interface Application {
  /** Of application, Deployment, Service and TrafficSplit. */
  name: string;
  account: string;
  namespace: string;
  image: string;
  replicas: number;
  version: string;
  steps: CanaryStep[];
}

/** @returns its id, and how it ends. @throws if another one of the application is active. */
export async function begin(
  { store, engine }: Orchestrator,
  application: Application,
): Promise<{ id: string; ended: Promise<string> }> {
  const id = newDeploymentId();
  const { name, account, namespace, steps } = application;
  const file: ResolvedFile = {
    application: name,
    description: '',
    context: {},
    ifInProgress: 'reject',
    targets: [targetOf(application)],
  };
  const rollouts = [{ target: 'bench', account, namespace, steps: steps.length }];
  const row = { id, application: name, file, source: '', createdBy: 'bench', rollouts };
  const { inserted } = await insertDeployment(store, row);
  if (!inserted) throw new Error(`Another deployment of ${name} is still active.`);
  await startDeployment(engine, { id, file, startedMs: Date.now() });
  return { id, ended: engine.result<string>(id) };
}

function targetOf(application: Application): ResolvedTarget {
  const { name, account, namespace, steps } = application;
  return {
    name: 'bench',
    account,
    namespace,
    dependsOn: [],
    objects: [
      { object: serviceOf(application), source: 'bench' },
      { object: deploymentOf(application), source: 'bench' },
    ],
    strategy: { name: 'bench', steps },
    smi: [{ rootServiceName: name, trafficSplitName: name }],
    readyTimeoutMs: 60_000,
    guard: DEFAULT_GUARD,
  };
}

function serviceOf({ name, namespace }: Application): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

function deploymentOf({ name, namespace, image, replicas, version }: Application): KubeObject {
  const labels = { app: name };
  const container = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    env: [{ name: 'VERSION', value: version }],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}
