/** `npm run cluster`: starts the test cluster, says how to use it, and ends it with Ctrl-C; `-- --prepare` only builds. */
import { once } from 'node:events';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareCluster, requireLinuxAndRoot, startCluster } from './cluster.ts';
import { ensurePackages, nodePackages, type PackageName } from './packages.ts';
import { furnish, playgroundImages } from './playground.ts';
import { cacheFolder } from './cache.ts';
import { toStandardError } from './progress.ts';
import { nodePrograms, program, programPaths, programsLine, unbuilt, type ProgramName } from './programs.ts';

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
    const names = [...nodePrograms, 'helm'] as const;
    requireLinuxAndRoot();
    await announce(names);
    await ensurePackages([...nodePackages, ...testPackages]);
    await programPaths(names);
    console.log('Everything that the tests, the demo and the cluster need is installed and built.');
    return 0;
  }
  return keepCluster(values.playground === true);
}

/** Says which programs are in the cache and which are built now. */
async function announce(names: readonly ProgramName[]): Promise<void> {
  toStandardError.say(programsLine(await unbuilt(names), cacheFolder()));
}

/** Runs a cluster until a signal, or until it breaks. */
async function keepCluster(isPlayground: boolean): Promise<number> {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupt.abort());
  try {
    const start = performance.now();
    await announce(nodePrograms);
    await prepareCluster();
    const images = isPlayground ? await playgroundImages() : [];
    const { signal } = interrupt;
    await using cluster = await toStandardError.during('starting a Kubernetes node', 5, () =>
      startCluster({ signal, images }),
    );
    if (isPlayground) await toStandardError.during('starting the mesh', 5, () => furnish(cluster));
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
