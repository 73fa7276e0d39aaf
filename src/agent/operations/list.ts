/** Reads all objects of a kind in the namespace, page by page, and no more than the link carries. */

import { SluiceError } from '../../shared/errors.ts';
import type { ListSpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { LIMITS } from '../../protocol/service.ts';
import { pathOf } from '../kubernetes/resources.ts';
import type { OperationContext } from './context.ts';
import { keepFields } from './keep-fields.ts';
import { outgoing } from './outgoing.ts';
import { policyError } from './policy.ts';
import { learn } from './prior-deed.ts';

/** A page is held in memory twice, as text and as objects: 500 pods of 20 KB took 18 MB more than 100. */
const PAGE = 100;

interface Page {
  metadata: { continue?: string; remainingItemCount?: number };
  items: KubeObject[];
}

/** @throws SluiceError TOO_LARGE, as soon as what was read is more than one result may hold; POLICY; KubeError */
export async function list(context: OperationContext, spec: ListSpec): Promise<ResultValue['list']> {
  const { api, resources, signal } = context;
  const { apiVersion, objectKind, namespace, labelSelector, fields = [] } = spec;
  const resource = await resources.find(apiVersion, objectKind);
  if (!resource.namespaced) throw policyError(`${objectKind} objects belong to no namespace`);
  const items: KubeObject[] = [];
  let bytes = 0;
  let next: string | undefined;
  do {
    const page: Page = await api.call<Page>({
      method: 'GET',
      path: pathOf(resource, namespace),
      query: { limit: PAGE, labelSelector, continue: next },
      what: `list ${objectKind} objects in ${namespace}`,
      signal,
    });
    for (const item of page.items) {
      // Items of a typed list do not say what they are.
      const object = { ...item, apiVersion, kind: objectKind };
      learn(context, object);
      const kept = keepFields(outgoing(object), fields);
      items.push(kept);
      bytes += Buffer.byteLength(JSON.stringify(kept)) + 1;
      if (bytes > LIMITS.maxTotalBytes) throw tooLarge(spec, items.length, bytes, page);
    }
    next = page.metadata.continue;
  } while (next);
  return { items };
}

function tooLarge(spec: ListSpec, count: number, bytes: number, page: Page): SluiceError {
  const { remainingItemCount } = page.metadata;
  const more = remainingItemCount === undefined ? 'there are more' : `at least ${remainingItemCount} are left`;
  return new SluiceError(
    'TOO_LARGE',
    `The first ${count} ${spec.objectKind} objects in ${spec.namespace} make ${bytes} bytes, and ${more}: one result holds ${LIMITS.maxTotalBytes}. Name fewer by labelSelector, or only the fields that are wanted.`,
  );
}
