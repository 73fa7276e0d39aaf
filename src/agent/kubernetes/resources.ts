/** From what an object calls itself (apiVersion, kind) to where the API server keeps it; learnt by discovery, remembered for the agent's life. */

import { SluiceError } from '../../shared/errors.ts';
import type { KubeApi } from './kube-api.ts';
import { KubeError } from './kube-error.ts';

export interface Resource {
  /** `/api/v1` or `/apis/<group>/<version>` */
  base: string;
  plural: string;
  namespaced: boolean;
}

interface ApiResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

export class Resources {
  #api: KubeApi;
  #known = new Map<string, Promise<Map<string, Resource>>>();

  constructor(api: KubeApi) {
    this.#api = api;
  }

  /** @throws SluiceError UNSUPPORTED when the cluster serves no such kind; KubeError when it cannot be asked. */
  async find(apiVersion: string, kind: string): Promise<Resource> {
    const known = (await this.#of(apiVersion)).get(kind);
    if (known) return known;
    // Perhaps its CustomResourceDefinition came after the last look.
    this.#known.delete(apiVersion);
    const found = (await this.#of(apiVersion)).get(kind);
    if (found) return found;
    throw new SluiceError(
      'UNSUPPORTED',
      `The cluster serves no ${kind} in ${apiVersion}. Install its CustomResourceDefinition, or use a version that is served.`,
      { disposition: 'stalled' },
    );
  }

  #of(apiVersion: string): Promise<Map<string, Resource>> {
    let known = this.#known.get(apiVersion);
    if (!known) {
      known = this.#load(apiVersion);
      this.#known.set(apiVersion, known);
      known.catch(() => this.#known.delete(apiVersion));
    }
    return known;
  }

  async #load(apiVersion: string): Promise<Map<string, Resource>> {
    const base = baseOf(apiVersion);
    const what = `discover ${apiVersion}`;
    const list = await this.#api
      .call<ApiResourceList>({ method: 'GET', path: base, what })
      .catch((error: unknown): ApiResourceList => {
        if (error instanceof KubeError && error.status === 404) return {};
        throw error;
      });
    const byKind = new Map<string, Resource>();
    for (const { name, kind, namespaced } of list.resources ?? []) {
      // `deployments/scale` and the like are parts of a resource, not one.
      if (!name.includes('/')) byKind.set(kind, { base, plural: name, namespaced });
    }
    return byKind;
  }
}

/** The path under which a version's resources lie. */
export function baseOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** The path of one object, or of the list when `name` is absent. */
export function pathOf(resource: Resource, namespace: string | undefined, name?: string): string {
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${resource.base}${scope}/${resource.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
