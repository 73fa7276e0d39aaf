/** The canary's ReplicaSet: the template that the Deployment would become, run beside it and adopted by it at promotion. */

import type { KubeObject } from '../../protocol/kube-object.ts';
import { BESIDE, marks, TEMPLATE_HASH } from './marks.ts';
import { isSameJson } from './merge-patch.ts';
import type { Deployment, PodTemplate, ReplicaSet } from './workload.ts';

/** The Deployment controller takes a set for saturated, and the old ones for done, by this annotation. */
const DESIRED = 'deployment.kubernetes.io/desired-replicas';

/**
 * Names the revision. It need not be the controller's own hash: the controller compares templates without it.
 * The rollout is part of it, so that a retried version never meets a set of an earlier run under its name.
 */
export function revisionHash(template: PodTemplate, rolloutId: string): string {
  return hashName(`${JSON.stringify(template)}\n${rolloutId}`);
}

/** Ten letters that cannot spell a word, from two 32-bit FNV-1a passes (a name, not a defence: the two runs of one template never meet). */
function hashName(text: string): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  let name = '';
  for (const seed of [0x811c9dc5, 0x01234567]) {
    let state = seed;
    for (let index = 0; index < text.length; index++)
      state = Math.imul(state ^ text.charCodeAt(index), 0x01000193) >>> 0;
    for (let letter = 0; letter < 5; letter++) {
      name += alphabet.charAt(state % alphabet.length);
      state = Math.floor(state / alphabet.length);
    }
  }
  return name;
}

/** Its own labels do not match the Deployment's selector: so it is not adopted yet. Its pods' labels do. */
export function canarySet(deployment: Deployment, hash: string, replicas: number, rolloutId: string): KubeObject {
  const { template, selector } = deployment.spec;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: canarySetName(deployment.metadata.name, hash),
      ...(deployment.metadata.namespace === undefined ? {} : { namespace: deployment.metadata.namespace }),
      labels: { ...marks(rolloutId, 'canary-set'), [BESIDE]: deployment.metadata.name },
      annotations: { [DESIRED]: String(replicas) },
    },
    spec: {
      replicas,
      ...(typeof deployment.spec['minReadySeconds'] === 'number'
        ? { minReadySeconds: deployment.spec['minReadySeconds'] }
        : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [TEMPLATE_HASH]: hash } },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [TEMPLATE_HASH]: hash } },
      },
    },
  };
}

export function canarySetName(deployment: string, hash: string): string {
  return `${deployment}-${hash}`;
}

/** Follows the Deployment's size; the annotation goes with it, or adoption would scale both sets. */
export function resizePatch(replicas: number): unknown {
  return { metadata: { annotations: { [DESIRED]: String(replicas) } }, spec: { replicas } };
}

/** Gives the set the labels by which the Deployment adopts it, and takes Sluice's own away. */
export function adoptionPatch(deployment: Deployment, hash: string, replicas: number, rolloutId: string): unknown {
  const own = Object.keys({ ...marks(rolloutId, 'canary-set'), [BESIDE]: '' });
  return {
    metadata: {
      labels: {
        ...Object.fromEntries(own.map((label) => [label, null])),
        ...deployment.spec.template.metadata?.labels,
        [TEMPLATE_HASH]: hash,
      },
      annotations: { [DESIRED]: String(replicas) },
    },
  };
}

/** As the Deployment controller compares: equal but for the hash label. */
export function isSameTemplate(left: PodTemplate, right: PodTemplate): boolean {
  const bare = (template: PodTemplate): unknown => {
    const { [TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
    const { creationTimestamp: _at, ...metadata } = template.metadata ?? {};
    const annotations = metadata.annotations ?? {};
    return { ...template, metadata: { ...metadata, labels, annotations } };
  };
  return isSameJson(bare(left), bare(right));
}

/**
 * Old, empty sets with the very template that is being shipped (a version that went out before). The controller would
 * take the oldest of them for the new revision and leave ours alone, so they go just before adoption; what they record,
 * the adopted set records as well.
 */
export function twins(sets: ReplicaSet[], deploymentUid: string, template: PodTemplate): ReplicaSet[] {
  return sets.filter(
    (set) =>
      (set.spec.replicas ?? 0) === 0 &&
      set.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === deploymentUid) ===
        true &&
      isSameTemplate(set.spec.template, template),
  );
}

/** How large the canary is to be: the Deployment's size, and what the manifest asks unless somebody scales meanwhile. */
export function canarySize(sizes: {
  live: number;
  atStart: number;
  asked: number | undefined;
  scaledByHpa: boolean;
}): number {
  const { live, atStart, asked, scaledByHpa } = sizes;
  if (scaledByHpa || asked === undefined || live !== atStart) return live;
  return asked;
}
