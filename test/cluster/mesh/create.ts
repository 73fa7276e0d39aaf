/** Creates objects of the few kinds that setting up the test mesh needs. */
import type { Api } from '../api.ts';
import type { Manifest } from './manifests.ts';

const plurals: Record<string, string> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Deployment: 'deployments',
  Namespace: 'namespaces',
  Pod: 'pods',
  Service: 'services',
  ServiceAccount: 'serviceaccounts',
};

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const plural = plurals[kind];
  if (plural === undefined) throw new Error(`The path of kind ${kind} is not known here: add it.`);
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${base}${within}/${plural}`;
}

/** Creates the objects in order. Those that are there already stay as they are. */
export async function createAll(api: Api, objects: Manifest[]): Promise<void> {
  for (const object of objects) {
    const { status, body } = await api.call('POST', pathOf(object), object);
    if (status !== 201 && status !== 409) {
      throw new Error(`Creating ${object.kind} ${object.metadata.name}: ${JSON.stringify(body)}`);
    }
  }
}
