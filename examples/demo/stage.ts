/** Everything the demo needs around Sluice: a cluster with a mesh, Prometheus and a load generator. */

import { join } from 'node:path';
import { startCluster, type Cluster } from '../../test/cluster/cluster.ts';
import { goProgram } from '../../test/cluster/go-build.ts';
import { buildImage } from '../../test/cluster/image.ts';
import { installMesh } from '../../test/cluster/mesh/install.ts';
import { startLoad, type Load } from '../../test/cluster/mesh/load.ts';
import { appArchives, meshArchives } from '../../test/cluster/mesh/program-images.ts';
import { startPrometheus } from '../../test/cluster/mesh/prometheus.ts';
import { openKube, type Kube } from '../../test/support/kube.ts';

/** Of the application; the load lives in one of its own. */
export const namespace = 'demo';

export interface Stage extends AsyncDisposable {
  cluster: Cluster;
  kube: Kube;
  load: Load;
  prometheusUrl: string;
}

/** @param say a line for people, at each thing that takes a while */
export async function setStage(say: (line: string) => void, signal: AbortSignal): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  try {
    const cluster = stack.use(await startCluster({ signal, progress: say, images: await archives() }));
    say('a Kubernetes node is ready');
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await installMesh(cluster);
    const prometheus = stack.use(await startPrometheus(cluster));
    const load = stack.use(await startLoad(cluster));
    say('mesh, Prometheus and load generator are ready');
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

async function archives(): Promise<string[]> {
  const source = await goProgram(join(import.meta.dirname, 'integration-test'));
  const test = await buildImage({
    name: 'sluice-demo/integration-test:1',
    files: { '/integration-test': { source, mode: 0o755 } },
    entrypoint: ['/integration-test'],
    user: '65532',
  });
  return [...(await appArchives(['sluice-demo/hello:1'])), ...Object.values(await meshArchives()), test];
}
