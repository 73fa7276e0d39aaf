/** Whole canaries on a real node, the orchestrator in this process: what the benches measure from beside it, by watches. */

import { join } from 'node:path';
import type { CanaryStep } from '../src/orchestrator/file/resolved.ts';
import { insertControl } from '../src/orchestrator/store/controls.ts';
import { startCluster } from '../test/cluster/cluster.ts';
import { goProgram } from '../test/cluster/go-build.ts';
import { buildImage } from '../test/cluster/image.ts';
import { imageFolder, startMeshController } from '../test/cluster/mesh/controller-process.ts';
import { installCrds } from '../test/cluster/mesh/install-crds.ts';
import { openKube, type Kube } from '../test/support/kube.ts';
import { makeScratch } from '../test/support/scratch.ts';
import { begin } from './deployment.ts';
import { startAgentProcess } from './small-orchestrator.ts';
import { startOrchestratorHere } from '../test/support/orchestrator-here.ts';

export const namespace = 'bench';
const image = 'sluice-bench/app:1';

export interface CanaryBench extends AsyncDisposable {
  kube: Kube;
  /** Starts a deployment of a version. */
  deploy(version: string, steps: CanaryStep[]): Promise<{ id: string; ended: Promise<string> }>;
  abort(deploymentId: string): Promise<void>;
}

/** @returns with version `v0` deployed. */
export async function startCanaryBench(replicas: number): Promise<CanaryBench> {
  const stack = new AsyncDisposableStack();
  const program = await goProgram(imageFolder('app'));
  const files = { '/app': { source: program, mode: 0o755 } };
  const archive = await buildImage({ name: image, files, entrypoint: ['/app'] });
  const cluster = stack.use(await startCluster({ images: [archive] }));
  await installCrds(cluster.api);
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  // linkerd-smi as it ships takes 5 requests a second; here Sluice is to be measured, not its limit.
  stack.use(await startMeshController(cluster.kubeconfig, { adaptorQps: 1000 }));
  const kube = stack.use(await openKube(cluster.kubeconfig));
  const scratch = stack.use(makeScratch('bench'));
  const orchestrator = await startOrchestratorHere(join(scratch.folder, 'data'));
  stack.defer(() => orchestrator.stop());
  const credential = await orchestrator.addAgent('bench');
  stack.use(
    await startAgentProcess(scratch.folder, credential, cluster.kubeconfig, namespace, () =>
      orchestrator.hub.isConnected('bench'),
    ),
  );
  const deploy: CanaryBench['deploy'] = (version, steps) =>
    begin(orchestrator, { name: 'hello', account: 'bench', namespace, image, replicas, version, steps });
  await (
    await deploy('v0', [])
  ).ended;
  return {
    kube,
    deploy,
    abort: async (deploymentId) => {
      await insertControl(orchestrator.store, {
        deploymentId,
        rolloutId: null,
        kind: 'abort',
        by: 'bench',
        reason: null,
        detail: null,
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
