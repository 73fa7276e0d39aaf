/** The test mesh's control plane as a process of this machine: for a control plane that runs no pods. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { goProgram } from '../go-build.ts';
import { until } from '../api.ts';

/** How the mesh's control plane behaves, where Linkerds differ. */
export interface MeshBehaviour {
  /** Default true: write the status of HTTPRoutes. */
  httpRoute?: boolean;
  /** The adaptor's requests a second; by default client-go's 5, which linkerd-smi keeps (60 splits take 22 s). */
  adaptorQps?: number;
  /** Default false: Linkerd up to 2026-08 leaves `observedGeneration` out of a route's conditions (linkerd2#14964). */
  observedGeneration?: boolean;
}

/** The environment that tells the program so. */
export function meshEnvironment(behaviour: MeshBehaviour): Record<string, string> {
  const { httpRoute = true, adaptorQps = 0, observedGeneration = false } = behaviour;
  return {
    HTTP_ROUTE: String(httpRoute),
    ADAPTOR_QPS: String(adaptorQps),
    OBSERVED_GENERATION: String(observedGeneration),
  };
}

/** The folder of the Go program `name`. */
export function imageFolder(name: 'app' | 'mesh' | 'load'): string {
  return join(import.meta.dirname, '..', 'images', name);
}

/**
 * Starts the adaptor and the policy controller on this machine and returns once both know the cluster.
 * They end with the returned object, and with this process.
 * @param kubeconfig whose rights they have; the CRDs must be installed
 */
export async function startMeshController(kubeconfig: string, behaviour: MeshBehaviour = {}): Promise<AsyncDisposable> {
  const program = await goProgram(imageFolder('mesh'));
  const env = { KUBECONFIG: kubeconfig, END_WITH_STDIN: 'true', PORT: '0', ...meshEnvironment(behaviour) };
  const child = spawn(program, { env, stdio: ['pipe', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-100_000)));
  const exit = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exit;
  };
  const parts = behaviour.httpRoute === false ? ['adaptor: synced'] : ['adaptor: synced', 'policy: synced'];
  try {
    await until(
      'the mesh controller to know the cluster',
      () => Promise.resolve(parts.every((part) => log.includes(part))),
      { timeoutMs: 30_000 },
    );
  } catch (error) {
    await stop();
    throw new Error(`The mesh controller did not start: ${log}`, { cause: error });
  }
  return { [Symbol.asyncDispose]: stop };
}
