/** Manifests to objects: several documents, lists, namespaces, and the kinds that make no sense in a deployment. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { groupKind } from './api-group.ts';
import type { InlinePlace } from './inline-place.ts';
import { showPath, type FileProblem, type Path, type Place } from './problem.ts';
import type { ResolvedObject } from './resolved.ts';
import { parseManifest } from './yaml-places.ts';

/** Built-in kinds that live in no namespace. Any other kind is taken to have one; the cluster says if not. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'Node',
  'PersistentVolume',
  'CustomResourceDefinition.apiextensions.k8s.io',
  'ClusterRole.rbac.authorization.k8s.io',
  'ClusterRoleBinding.rbac.authorization.k8s.io',
  'StorageClass.storage.k8s.io',
  'CSIDriver.storage.k8s.io',
  'CSINode.storage.k8s.io',
  'VolumeAttachment.storage.k8s.io',
  'VolumeAttributesClass.storage.k8s.io',
  'PriorityClass.scheduling.k8s.io',
  'IngressClass.networking.k8s.io',
  'ServiceCIDR.networking.k8s.io',
  'IPAddress.networking.k8s.io',
  'RuntimeClass.node.k8s.io',
  'ValidatingWebhookConfiguration.admissionregistration.k8s.io',
  'MutatingWebhookConfiguration.admissionregistration.k8s.io',
  'ValidatingAdmissionPolicy.admissionregistration.k8s.io',
  'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io',
  'MutatingAdmissionPolicy.admissionregistration.k8s.io',
  'MutatingAdmissionPolicyBinding.admissionregistration.k8s.io',
  'APIService.apiregistration.k8s.io',
  'FlowSchema.flowcontrol.apiserver.k8s.io',
  'PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io',
  'CertificateSigningRequest.certificates.k8s.io',
  'ClusterTrustBundle.certificates.k8s.io',
  'DeviceClass.resource.k8s.io',
  'ResourceSlice.resource.k8s.io',
]);
const REFUSED = new Map([
  ['ReplicaSet.apps', 'a ReplicaSet cannot be deployed: the canary makes its own; write a Deployment'],
  ['Pod', 'a bare Pod cannot be deployed: nothing would replace it; write a Deployment or a Job'],
]);

/** An object with the place where it is written. */
export interface WrittenObject extends ResolvedObject, Place {
  file: string;
}

export interface ReadManifest {
  objects: WrittenObject[];
  problems: FileProblem[];
}

/** How a manifest is told to people. */
export interface ManifestOrigin {
  /** The file that a place is in: the manifest's own, or the deployment file for an inline one. */
  file: string;
  /** For an inline manifest: where it stands in the deployment file. */
  inline?: { path: Path; placeOf: (place: Place) => InlinePlace };
}

export function readManifest(text: string, { file, inline }: ManifestOrigin): ReadManifest {
  const { objects, problems } = parseManifest(text);
  const tell = (place: Place, message: string): FileProblem => {
    const { note, ...own } = inline?.placeOf(place) ?? { ...place, note: '' };
    return { file, ...own, path: showPath(inline?.path ?? []), message: `${note}${message}` };
  };
  const found: ReadManifest = { objects: [], problems: problems.map((problem) => tell(problem, problem.message)) };
  for (const { value, number, place } of objects) {
    for (const { item, path } of itemsOf(value)) {
      const at = place(path);
      const problem = problemOf(item);
      if (problem !== undefined) {
        const which = path.length === 0 ? '' : `, item ${Number(path[1]) + 1}`;
        found.problems.push(tell(at, `document ${number}${which}: ${problem}`));
        continue;
      }
      const own = inline === undefined ? at : inline.placeOf(at);
      const source = inline === undefined ? `${file}#${number}` : `${file}:${own.line} (inline)`;
      found.objects.push({ object: item as KubeObject, source, file, line: own.line, column: own.column });
    }
  }
  return found;
}

function itemsOf(value: unknown): { item: unknown; path: Path }[] {
  const list = value as { kind?: unknown; items?: unknown };
  if (typeof list.kind !== 'string' || !list.kind.endsWith('List') || !Array.isArray(list.items))
    return [{ item: value, path: [] }];
  return list.items.map((item: unknown, index) => ({ item, path: ['items', index] }));
}

function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'this is no Kubernetes object: it must be a map with apiVersion, kind and metadata';
  const { apiVersion, kind, metadata } = value as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: { name?: unknown };
  };
  if (typeof metadata?.name === 'number') return `metadata.name must be text: put it in quotes, "${metadata.name}"`;
  const missing = [
    typeof apiVersion === 'string' ? [] : ['apiVersion'],
    typeof kind === 'string' ? [] : ['kind'],
    typeof metadata?.name === 'string' && metadata.name !== '' ? [] : ['metadata.name'],
  ].flat();
  if (missing.length > 0) return `a Kubernetes object needs ${missing.join(', ')}`;
  const own = { apiVersion: String(apiVersion), kind: String(kind) };
  if (own.kind === 'Deployment' && /^(extensions|apps)\/v1beta[12]$/.test(own.apiVersion))
    return `${own.apiVersion} is gone from Kubernetes: write apiVersion: apps/v1`;
  return REFUSED.get(groupKind(own));
}

/** The target's namespace goes over the manifest's. */
export function inNamespace({ object, source }: ResolvedObject, namespace: string): ResolvedObject {
  const { namespace: _own, ...metadata } = object.metadata;
  if (CLUSTER_SCOPED.has(groupKind(object))) return { object: { ...object, metadata }, source };
  return { object: { ...object, metadata: { ...metadata, namespace } }, source };
}
