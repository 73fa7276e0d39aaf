/** Reads all objects of a kind in the namespace, page by page. */

import type { ListSpec, ResultValue } from '../../protocol/operation.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { pathOf } from '../kubernetes/resources.ts';
import type { OperationContext } from './context.ts';
import { outgoing } from './outgoing.ts';
import { policyError } from './policy.ts';

const PAGE = 500;

interface Page {
  metadata: { continue?: string };
  items: KubeObject[];
}

export async function list(context: OperationContext, spec: ListSpec): Promise<ResultValue['list']> {
  const { api, resources, signal } = context;
  const { apiVersion, objectKind, namespace, labelSelector } = spec;
  const resource = await resources.find(apiVersion, objectKind);
  if (!resource.namespaced) throw policyError(`${objectKind} objects belong to no namespace`);
  const items: KubeObject[] = [];
  let next: string | undefined;
  do {
    const page: Page = await api.call<Page>({
      method: 'GET',
      path: pathOf(resource, namespace),
      query: { limit: PAGE, labelSelector, continue: next },
      what: `list ${objectKind} objects in ${namespace}`,
      signal,
    });
    // Items of a typed list do not say what they are.
    for (const item of page.items) items.push(outgoing({ ...item, apiVersion, kind: objectKind }));
    next = page.metadata.continue;
  } while (next);
  return { items };
}
