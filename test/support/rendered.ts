/** Charts as real Helm renders them, and whether a real API server would take what comes of it. */

import { spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';
import { program } from '../cluster/programs.ts';
import { chart } from './helm.ts';

export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  /** Of a Role. */
  rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
  /** Of a RoleBinding. */
  subjects?: { kind: string; name: string; namespace: string }[];
  /** Of a ConfigMap. */
  data?: Record<string, string>;
  spec?: { template?: { metadata: object; spec: PodSpec } };
}

export interface PodSpec {
  serviceAccountName: string;
  securityContext: object;
  containers: {
    image: string;
    securityContext: object;
    env: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[];
  }[];
}

type ChartName = 'agent' | 'orchestrator';

/** @throws with what Helm says. */
export async function render(name: ChartName, values: object): Promise<Rendered[]> {
  const { status, stdout, stderr } = await template(name, values);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Rendered);
}

async function template(
  name: ChartName,
  values: object,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const place = [`sluice-${name}`, chart(name), '--namespace', 'sluice', '--values', '-'];
  return spawnSync(await program('helm'), ['template', ...place], { input: JSON.stringify(values), encoding: 'utf8' });
}

/** What Helm says to values that it will not render. @throws if it renders them. */
export async function refusalOf(name: ChartName, values: object): Promise<string> {
  const { status, stderr } = await template(name, values);
  if (status === 0) throw new Error(`The chart takes ${JSON.stringify(values)}.`);
  return stderr;
}

/** The environment of a container: what is told as a value; what comes from a Secret as `Secret NAME/KEY`. */
export function environmentOf(objects: readonly Rendered[]): Record<string, string> {
  const pod = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec;
  const entries = pod?.containers[0]?.env.map(({ name, value, valueFrom }): [string, string] => {
    const { name: secret, key } = valueFrom?.secretKeyRef ?? { name: '', key: '' };
    return [name, value ?? `Secret ${secret}/${key}`];
  });
  return Object.fromEntries(entries ?? []);
}

/** Objects with, of each workload, the pod that would come of it: Pod Security looks at pods alone. */
export function withPods(objects: readonly Rendered[]): object[] {
  return objects.flatMap((object) => {
    const template = object.spec?.template;
    if (template === undefined) return [object];
    const { name, namespace } = object.metadata;
    const metadata = { ...template.metadata, name, namespace };
    return [object, { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec }];
  });
}

/**
 * Server-side apply that changes nothing, with unknown and doubled fields refused.
 * @returns what kubectl says besides the objects' names: nothing, if all is well.
 */
export async function complaintsOf(kubeconfig: string, objects: readonly object[]): Promise<string> {
  const kubectl = await program('kubectl');
  const how = ['--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '--output=name'];
  const args = [`--kubeconfig=${kubeconfig}`, 'apply', ...how, '--filename=-'];
  const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  const { status, stderr } = spawnSync(kubectl, args, { input, encoding: 'utf8' });
  return status === 0 ? stderr : `${stderr}kubectl ended with ${status}`;
}
