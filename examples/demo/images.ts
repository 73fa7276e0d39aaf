/** The demo's container images: their archives, what they are called in a registry of yours, and whether a cluster has them. */

import { execFile } from 'node:child_process';
import { cp, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../test/cluster/api.ts';
import type { Cluster } from '../../test/cluster/cluster.ts';
import { goProgram } from '../../test/cluster/go-build.ts';
import { buildImage } from '../../test/cluster/image.ts';
import { imageFolder } from '../../test/cluster/mesh/controller-process.ts';
import { appArchives, loadImage, meshArchives, meshImage } from '../../test/cluster/mesh/program-images.ts';

const helloImage = 'sluice-demo/hello:1';
const testImage = 'sluice-demo/integration-test:1';
const testFolder = join(import.meta.dirname, 'integration-test');
/** The folders of the Go programs in the images. */
export const imagePrograms = [...(['app', 'mesh', 'load'] as const).map(imageFolder), testFolder];
const all = [helloImage, testImage, meshImage, loadImage];

/** Changes the names of the demo's images in any text; `prefix` as `registry.example.com/sluice`, undefined: they stay. */
export function renameImages(text: string, prefix: string | undefined): string {
  if (prefix === undefined) return text;
  return all.reduce((renamed, image) => renamed.replaceAll(image, `${prefix}/${basename(image)}`), text);
}

/** Builds the images, if need be, and returns their archives' paths. */
export async function imageArchives(prefix?: string): Promise<string[]> {
  const named = (image: string): string => renameImages(image, prefix);
  const source = await goProgram(testFolder);
  const test = await buildImage({
    name: named(testImage),
    files: { '/integration-test': { source, mode: 0o755 } },
    entrypoint: ['/integration-test'],
    user: '65532',
  });
  const hello = await appArchives([{ name: named(helloImage), version: '1' }]);
  return [...hello, ...Object.values(await meshArchives(named)), test];
}

/** Copies the archives into a folder, which is made. */
export async function writeImages(folder: string, prefix: string | undefined): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const archives = await imageArchives(prefix);
  const written = archives.map((archive) => join(folder, basename(archive)));
  await Promise.all(archives.map((archive, index) => copyFile(archive, written[index] ?? folder)));
  return written;
}

/** Runs the user's command once for each archive, its path as the last word. */
export async function loadImages(command: string[], archives: string[], kubeconfig: string): Promise<void> {
  const [program = '', ...words] = command;
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  for (const archive of archives) await promisify(execFile)(program, [...words, archive], { env });
}

/** Copies the deployment files and manifests with the images renamed; returns where they are. */
export async function copyDeployments(folder: string, prefix: string | undefined): Promise<string> {
  const to = join(folder, 'deployments');
  const isYaml = (name: string): boolean => name.endsWith('.yaml');
  await mkdir(to);
  for (const name of (await readdir(import.meta.dirname)).filter(isYaml))
    await copyFile(join(import.meta.dirname, name), join(to, name));
  const manifests = join(to, 'manifests');
  await cp(join(import.meta.dirname, 'manifests'), manifests, { recursive: true });
  for (const name of (await readdir(manifests)).filter(isYaml)) {
    const path = join(manifests, name);
    await writeFile(path, renameImages(await readFile(path, 'utf8'), prefix));
  }
  return to;
}

/**
 * Lets a pod that cannot run name all the images: the kubelet says whether it has each.
 * @throws what to do, if one is missing
 */
export async function requireImages(
  cluster: Pick<Cluster, 'api' | 'apply' | 'kubectl'>,
  namespace: string,
  prefix: string | undefined,
): Promise<void> {
  const images = all.map((image) => renameImages(image, prefix));
  const containers = images.map((image, index) => ({
    name: `image-${index}`,
    image,
    // Without a registry of the user's the names mean nothing: whatever the world has under them is not ours.
    imagePullPolicy: prefix === undefined ? 'Never' : 'IfNotPresent',
    command: ['/nothing'],
  }));
  const name = 'has-images';
  const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers };
  await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec });
  let found: { image: string; has: boolean }[] = [];
  await until('the node to say which images it has', async () => {
    const { body } = await cluster.api.call('GET', `/api/v1/namespaces/${namespace}/pods/${name}`);
    const { containerStatuses = [] } = (body as { status: { containerStatuses?: ContainerStatus[] } }).status;
    found = containerStatuses.flatMap((status) => {
      const has = hasImage(status);
      return has === undefined ? [] : [{ image: images[Number(status.name.split('-')[1])] ?? '', has }];
    });
    return found.length === images.length;
  });
  await cluster.kubectl(['delete', 'pod', '--namespace', namespace, name]);
  const missing = found.filter(({ has }) => !has).map(({ image }) => image);
  if (missing.length > 0) throw new Error(missingImages(missing));
}

interface ContainerStatus {
  name: string;
  state: { waiting?: { reason?: string } };
}

/** Undefined: it is not known yet. */
function hasImage({ state: { waiting } }: ContainerStatus): boolean | undefined {
  if (waiting === undefined) return true;
  const { reason = 'ContainerCreating' } = waiting;
  if (['ContainerCreating', 'PodInitializing'].includes(reason)) return undefined;
  return !/^(ErrImage|ImagePull|InvalidImageName)/.test(reason);
}

function missingImages(images: string[]): string {
  return `The cluster does not have ${images.join(', ')}. Do one of these:
  npm run demo -- --load-command 'kind load image-archive'   (or 'minikube image load', 'k3s ctr images import')
  npm run demo -- --images FOLDER                            then load the archives in FOLDER into its nodes, and again npm run demo
  SLUICE_DEMO_IMAGES=REGISTRY/PATH npm run demo              once the images are in that registry; with --images FOLDER the archives are named for it`;
}
