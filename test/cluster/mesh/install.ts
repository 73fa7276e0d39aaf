/** Installs the test mesh into a test cluster. */
import { until } from '../api.ts';
import type { RunningCluster } from '../cluster.ts';
import type { MeshBehaviour } from './controller-process.ts';
import { installCrds } from './install-crds.ts';
import { meshManifests, meshNamespace } from './manifests.ts';
import type { AppImage } from './program-images.ts';
import { appArchives, meshArchives, meshImage } from './program-images.ts';

/** An installed mesh. It goes with its cluster. */
export interface Mesh {
  /** Where its control plane runs, as Deployment `mesh`; scale it to 0 to see what an absent adaptor does. */
  namespace: string;
}

/** CRDs, rights and control plane; returns once it works. `httpRoute: false` is a Linkerd without Gateway API. */
export async function installMesh(
  cluster: Pick<RunningCluster, 'api' | 'apply' | 'importImage'>,
  behaviour: MeshBehaviour = {},
): Promise<Mesh> {
  const { mesh } = await meshArchives();
  await Promise.all([cluster.importImage(mesh), installCrds(cluster.api, behaviour)]);
  await cluster.apply(meshManifests(meshImage, behaviour));
  await until('the mesh to be ready', async () => {
    const { body } = await cluster.api.call('GET', `/apis/apps/v1/namespaces/${meshNamespace}/deployments/mesh`);
    return (body as { status?: { readyReplicas?: number } }).status?.readyReplicas === 1;
  });
  return { namespace: meshNamespace };
}

/** Gives the cluster the app under each name; the version is the tag, unless said. */
export async function appImage(
  cluster: RunningCluster,
  names: readonly (AppImage | string)[] = ['sluice.test/app:v1', 'sluice.test/app:v2', 'sluice.test/app:v3'],
): Promise<void> {
  for (const archive of await appArchives(names)) await cluster.importImage(archive);
}

/**
 * Lets pods of a namespace with `imagePullPolicy: Always` use the images that were imported: there is no registry to pull from.
 * Only pods change at their admission; workloads and their template hashes stay as written.
 */
export async function neverPull(cluster: RunningCluster, namespace: string): Promise<void> {
  const name = `never-pull-in-${namespace}`;
  const containers =
    'object.spec.containers.map(c, Object.spec.containers{name: c.name, imagePullPolicy: "IfNotPresent"})';
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: { expression: `Object{spec: Object.spec{containers: ${containers}}}` },
        },
      ],
    },
  };
  const binding = { ...policy, kind: 'MutatingAdmissionPolicyBinding', spec: { policyName: name } };
  await cluster.apply([policy, binding]);
  // The API server takes up a policy a moment after it stored it.
  const spec = { containers: [{ name: 'a', image: 'a', imagePullPolicy: 'Always' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
  await until('the policy to hold', async () => {
    const { body } = await cluster.api.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
    return (body as { spec?: typeof spec }).spec?.containers[0]?.imagePullPolicy === 'IfNotPresent';
  });
}
