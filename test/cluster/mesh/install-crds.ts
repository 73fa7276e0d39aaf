/** Puts the test mesh's CRDs into a cluster. */
import type { Api } from '../api.ts';
import { until } from '../api.ts';
import type { Crd } from './crds.ts';
import { httpRoutes, serviceProfiles, trafficSplits } from './crds.ts';

/** What a Linkerd with linkerd-smi serves, with or without Gateway API's HTTPRoute. */
export interface MeshKinds {
  /** Default true. False is a Linkerd that was installed without Gateway API. */
  httpRoute?: boolean;
}

const resources = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Creates the CRDs (those already there stay) and returns once the API server serves them. */
export async function installCrds(api: Api, { httpRoute = true }: MeshKinds = {}): Promise<void> {
  const crds = httpRoute ? [trafficSplits, serviceProfiles, httpRoutes] : [trafficSplits, serviceProfiles];
  await Promise.all(crds.map((crd) => installCrd(api, crd)));
}

/** Creates one CRD and waits until it is established. */
async function installCrd(api: Api, crd: Crd): Promise<void> {
  const { status, body } = await api.call('POST', resources, crd);
  if (status !== 201 && status !== 409) throw new Error(`CRD ${crd.metadata.name}: ${JSON.stringify(body)}`);
  await until(`CRD ${crd.metadata.name} to be served`, async () => {
    const answer = await api.call('GET', `${resources}/${crd.metadata.name}`);
    const conditions = (answer.body as { status?: { conditions?: { type: string; status: string }[] } }).status
      ?.conditions;
    return conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
  });
  // A CRD is established a moment before its group is discovered; clients that look in between find no such kind.
  const [plural = '', ...group] = crd.metadata.name.split('.');
  await until(`${crd.metadata.name} to be discovered`, async () => {
    const { status: code, body: found } = await api.call('GET', `/apis/${group.join('.')}`);
    const versions = (found as { versions?: { groupVersion: string }[] }).versions ?? [];
    const lists = await Promise.all(
      versions.map(({ groupVersion }) => api.call('GET', `/apis/${groupVersion}/${plural}`)),
    );
    return code === 200 && lists.length > 0 && lists.every(({ status: each }) => each === 200);
  });
}
