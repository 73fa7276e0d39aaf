/** `npm run cluster`: starts the test cluster, says how to use it, and ends it with Ctrl-C; `-- --prepare` only builds. */
import { once } from 'node:events';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareCluster, startCluster } from './cluster.ts';
import type { PackageName } from './packages.ts';
import { ensurePackages } from './packages.ts';
import { furnish, playgroundImages } from './playground.ts';
import { program, programPaths } from './programs.ts';

const usage = `Usage: npm run cluster [-- --playground | --prepare]
Starts a real single-node Kubernetes cluster in namespaces of its own and keeps it until Ctrl-C.
  --playground  with what docs/first-canary.md needs: Sluice's images, a volume, a mesh that honours TrafficSplit, an app to ship
  --prepare     only install packages and build programs (all that tests and demo need), then exit
Environment: SLUICE_CACHE (where built programs are kept, ~/.cache/sluice), SLUICE_NO_INSTALL=1 (install no packages)`;

const testPackages: readonly PackageName[] = ['prometheus'];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      playground: { type: 'boolean' },
      prepare: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  if (values.prepare === true) {
    await prepareCluster();
    await ensurePackages(testPackages);
    await programPaths(['helm']);
    console.log('All that the test cluster needs is here.');
    return 0;
  }
  return keepCluster(values.playground === true);
}

/** Runs a cluster until a signal, or until it breaks. */
async function keepCluster(isPlayground: boolean): Promise<number> {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupt.abort());
  try {
    const start = performance.now();
    const images = isPlayground ? await playgroundImages() : [];
    await using cluster = await startCluster({ signal: interrupt.signal, images });
    if (isPlayground) await furnish(cluster);
    const paths = await Promise.all([program('kubectl'), program('helm')]);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`Kubernetes 1.37 is ready after ${seconds} s. In another terminal:

  export KUBECONFIG=${cluster.kubeconfig}
  export PATH=${[...new Set(paths.map(dirname))].join(':')}:$PATH
  kubectl get pods --all-namespaces

Logs and everything else of it: ${cluster.folder}
Ctrl-C ends it and removes all of that.`);
    await Promise.race([once(interrupt.signal, 'abort'), once(cluster.broken, 'abort')]);
    if (cluster.broken.aborted) throw cluster.broken.reason;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  }
  return 0;
}
