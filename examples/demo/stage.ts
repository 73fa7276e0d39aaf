/** Everything the demo needs around Sluice: a cluster with a mesh, Prometheus and a load generator. */

import { join } from 'node:path';
import { startCluster, type Cluster } from '../../test/cluster/cluster.ts';
import { goProgram } from '../../test/cluster/go-build.ts';
import { buildImage } from '../../test/cluster/image.ts';
import { imageFolder, startMeshController } from '../../test/cluster/mesh/controller-process.ts';
import { installCrds } from '../../test/cluster/mesh/install-crds.ts';
import { openKube, type Kube } from '../../test/support/kube.ts';
import { startLoadPod } from '../../test/support/load-pod.ts';
import { startPrometheus } from '../../test/support/prometheus.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { Load } from './load.ts';

/** Of the application; the load lives in one of its own. */
export const namespace = 'demo';
const loadNamespace = 'clients';

export interface Stage extends AsyncDisposable {
  cluster: Cluster;
  kube: Kube;
  load: Load;
  prometheusUrl: string;
}

const images = {
  'sluice-demo/hello:1': () => goProgram(imageFolder('app')),
  'sluice-demo/load:1': () => goProgram(imageFolder('load')),
  'sluice-demo/integration-test:1': () => goProgram(join(import.meta.dirname, 'integration-test')),
};

/** @param say a line for people, at each thing that takes a while */
export async function setStage(say: (line: string) => void, signal: AbortSignal): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  try {
    const archives = await Promise.all(Object.entries(images).map(([name, build]) => archiveOf(name, build)));
    const scratch = stack.use(makeScratch('demo'));
    const cluster = stack.use(await startCluster({ signal, progress: say, images: archives }));
    say('a Kubernetes node is ready');
    await installCrds(cluster.api);
    const namespaces = [namespace, loadNamespace].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    }));
    await cluster.apply(namespaces);
    stack.use(await startMeshController(cluster.kubeconfig));
    const prometheus = stack.use(await startPrometheus(cluster, scratch.folder));
    say('mesh and Prometheus are ready');
    const load = new Load((await startLoadPod(cluster, 'sluice-demo/load:1', loadNamespace)).url);
    const kube = stack.use(await openKube(cluster.kubeconfig));
    return {
      cluster,
      kube,
      load,
      prometheusUrl: prometheus.url,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function archiveOf(name: string, build: () => Promise<string>): Promise<string> {
  const program = await build();
  return buildImage({ name, files: { '/program': { source: program, mode: 0o755 } }, entrypoint: ['/program'] });
}
