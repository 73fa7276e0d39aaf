/** Manifests to objects: several documents, lists, namespaces, and the kinds that make no sense in a deployment. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import type { FileProblem } from './problem.ts';
import type { ResolvedObject } from './resolved.ts';
import { parseManifest } from './yaml-places.ts';

/** Built-in kinds that live in no namespace. Any other kind is taken to have one; the cluster says if not. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
  'IngressClass',
  'RuntimeClass',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'APIService',
  'Node',
  'CSIDriver',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'FlowSchema',
  'PriorityLevelConfiguration',
  'CertificateSigningRequest',
  'ClusterTrustBundle',
  'CSINode',
  'VolumeAttachment',
  'VolumeAttributesClass',
  'DeviceClass',
  'ResourceSlice',
  'ServiceCIDR',
  'IPAddress',
]);
const REFUSED: Record<string, string> = {
  ReplicaSet: 'a ReplicaSet cannot be deployed: the canary makes its own; write a Deployment',
  Pod: 'a bare Pod cannot be deployed: nothing would replace it; write a Deployment or a Job',
};

export interface ReadManifest {
  objects: ResolvedObject[];
  problems: FileProblem[];
}

/** @param file as it is told to people: `app.yaml`, or `deploy.yaml:31 (inline)`. */
export function readManifest(text: string, file: string): ReadManifest {
  const { objects, problems } = parseManifest(text, file);
  const found: ReadManifest = { objects: [], problems: [...problems] };
  for (const { value, number, line } of objects) {
    for (const item of itemsOf(value)) {
      const problem = problemOf(item);
      if (problem === undefined) found.objects.push({ object: item as KubeObject, source: `${file}#${number}` });
      else
        found.problems.push({
          file,
          line,
          column: 1,
          path: '',
          message: `document ${number}: ${problem}`,
        });
    }
  }
  return found;
}

function itemsOf(value: unknown): unknown[] {
  const list = value as { kind?: unknown; items?: unknown };
  return typeof list.kind === 'string' && list.kind.endsWith('List') && Array.isArray(list.items)
    ? list.items
    : [value];
}

function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'this is no Kubernetes object';
  const { apiVersion, kind, metadata } = value as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: { name?: unknown };
  };
  const missing = [
    typeof apiVersion === 'string' ? [] : ['apiVersion'],
    typeof kind === 'string' ? [] : ['kind'],
    typeof metadata?.name === 'string' && metadata.name !== '' ? [] : ['metadata.name'],
  ].flat();
  if (missing.length > 0) return `a Kubernetes object needs ${missing.join(', ')}`;
  return REFUSED[String(kind)];
}

/** The target's namespace goes over the manifest's. */
export function inNamespace({ object, source }: ResolvedObject, namespace: string): ResolvedObject {
  const { namespace: _own, ...metadata } = object.metadata;
  if (CLUSTER_SCOPED.has(object.kind)) return { object: { ...object, metadata }, source };
  return { object: { ...object, metadata: { ...metadata, namespace } }, source };
}
