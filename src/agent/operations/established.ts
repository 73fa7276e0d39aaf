/** Waits until the cluster serves the kinds that a CustomResourceDefinition defines. */

import pRetry from 'p-retry';
import { SluiceError } from '../../shared/errors.ts';
import type { KubeObject } from '../../protocol/kube-object.ts';
import { pathOf } from '../kubernetes/resources.ts';
import { readWatchEvents } from '../kubernetes/watch-events.ts';
import type { OperationContext } from './context.ts';

interface Definition {
  spec: { group: string; names: { kind: string }; versions: { name: string; served: boolean }[] };
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

/** The list of what is served follows the condition within milliseconds. */
const SERVED = { retries: 10, factor: 1.5, minTimeout: 20, maxTimeout: 1000 };

export function isDefinition({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'CustomResourceDefinition' && apiVersion.startsWith('apiextensions.k8s.io/');
}

/** By watch, until the operation's deadline. @throws SluiceError INVALID: its names are taken; UNSUPPORTED; KubeError */
export async function untilEstablished(context: OperationContext, object: KubeObject): Promise<void> {
  await untilCondition(context, object);
  const { group, names, versions } = (object as unknown as Definition).spec;
  const served = versions.find((version) => version.served)?.name;
  if (served === undefined) return;
  const find = () => context.resources.find(`${group}/${served}`, names.kind);
  await pRetry(find, { ...SERVED, signal: context.signal });
}

async function untilCondition({ api, resources, signal }: OperationContext, object: KubeObject): Promise<void> {
  const { name } = object.metadata;
  const path = pathOf(await resources.find(object.apiVersion, object.kind), undefined);
  const what = `wait until CustomResourceDefinition ${name} is established`;
  const fieldSelector = `metadata.name=${name}`;
  for (;;) {
    const list = await api.call<{ metadata: { resourceVersion: string }; items: KubeObject[] }>({
      method: 'GET',
      path,
      query: { fieldSelector },
      what,
      signal,
    });
    if (list.items.some((item) => isEstablished(item as unknown as Definition, name))) return;
    const { resourceVersion } = list.metadata;
    const query = { watch: true, fieldSelector, resourceVersion, timeoutSeconds: 240 };
    const answer = await api.open({ method: 'GET', path, query, what, signal });
    for await (const event of readWatchEvents(answer, what, signal)) {
      if (isEstablished(event.object as unknown as Definition, name)) return;
    }
  }
}

function isEstablished({ status }: Definition, name: string): boolean {
  const conditions = status?.conditions ?? [];
  const refused = conditions.find((each) => each.type === 'NamesAccepted' && each.status === 'False');
  if (refused) {
    throw new SluiceError(
      'INVALID',
      `CustomResourceDefinition ${name} is not served: ${refused.message ?? refused.reason}. Another definition has its names: remove one of the two.`,
    );
  }
  return conditions.some((each) => each.type === 'Established' && each.status === 'True');
}
