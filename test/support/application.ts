/** A small application as its team would write it: manifests and deployment file in a folder, one per version. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KubeObject } from '../../src/protocol/kube-object.ts';

export interface ApplicationOptions {
  /** Name of application, Deployment, root Service and label. */
  name: string;
  account: string;
  namespace: string;
  image: string;
  version: string;
  replicas?: number;
  /** Of the container: CRASH_AFTER_MS, ERROR_RATE ... */
  env?: Record<string, string>;
  /** As in the deployment file. */
  steps?: unknown[];
  /** More keys of the deployment file: `analysis` ... */
  more?: Record<string, unknown>;
  /** Of `trafficManagement[].smi[]`, beside the root. */
  smi?: Record<string, string | boolean>;
  /** More objects, or the Service in another shape. */
  service?: KubeObject | undefined;
  objects?: KubeObject[];
  readySeconds?: number;
}

export function serviceOf({ name, namespace }: Pick<ApplicationOptions, 'name' | 'namespace'>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

function deploymentOf({ name, namespace, image, version, replicas = 2, env = {} }: ApplicationOptions): KubeObject {
  const variables = Object.entries({ VERSION: version, ...env }).map(([key, value]) => ({ name: key, value }));
  const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 };
  const container = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    env: variables,
    // The program plays its own proxy.
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'linkerd-admin', containerPort: 4191 },
    ],
    readinessProbe: probe,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
    },
  };
}

/** Writes `<folder>/<name>-<version>/deploy.yaml` and its manifests. @returns the path of the deployment file. */
export async function writeApplication(folder: string, options: ApplicationOptions): Promise<string> {
  const own = join(folder, `${options.name}-${options.version}`);
  await mkdir(own, { recursive: true });
  const objects = [options.service ?? serviceOf(options), deploymentOf(options), ...(options.objects ?? [])];
  await writeFile(join(own, 'app.yaml'), objects.map((object) => stringify(object)).join('---\n'));
  await writeFile(join(own, 'deploy.yaml'), stringify(deploymentFile(options)));
  return join(own, 'deploy.yaml');
}

function deploymentFile(options: ApplicationOptions): unknown {
  const { name, account, namespace, steps = [], more = {}, smi = {}, readySeconds = 60 } = options;
  return {
    version: 'v1',
    kind: 'kubernetes',
    application: name,
    deploymentConfig: { timeout: { duration: readySeconds, unit: 'seconds' } },
    targets: { test: { account, namespace, strategy: 'rolling' } },
    manifests: [{ path: 'app.yaml' }],
    strategies: { rolling: { canary: { steps } } },
    trafficManagement: [{ targets: ['test'], smi: [{ rootServiceName: name, ...smi }] }],
    ...more,
  };
}

export const setWeight = (weight: number): unknown => ({ setWeight: { weight } });
export const pauseFor = (duration: number, unit = 'seconds'): unknown => ({ pause: { duration, unit } });
export const untilApproved: unknown = { pause: { untilApproved: true } };
