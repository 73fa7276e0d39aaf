/** Charts as real Helm renders them, and whether a real API server would take what comes of it. */

import { execFileSync, spawnSync } from 'node:child_process';
import { parseAllDocuments, stringify } from 'yaml';
import { program } from '../cluster/programs.ts';
import { chart } from './helm.ts';

export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec?: { template?: { metadata: object; spec: object } };
}

/** @throws with what Helm says. */
export async function render(name: 'agent' | 'orchestrator', values: object): Promise<Rendered[]> {
  const helm = await program('helm');
  const place = [`sluice-${name}`, chart(name), '--namespace', 'sluice', '--values', '-'];
  const text = execFileSync(helm, ['template', ...place], { input: stringify(values), encoding: 'utf8' });
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
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
