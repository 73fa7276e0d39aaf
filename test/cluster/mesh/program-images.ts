/** The test mesh's programs as container images. */
import { goProgram } from '../go-build.ts';
import { buildImage } from '../image.ts';
import { imageFolder } from './controller-process.ts';

/** The names of the images of the mesh's own programs. */
export const meshImage = 'sluice.test/mesh:1';
export const loadImage = 'sluice.test/load:1';

/** One image of the app. */
export interface AppImage {
  /** Any name, `sluice.test/app:v1` or somebody else's: `index.docker.io/armory/potatofacts:v2`. */
  name: string;
  /** What it answers as, unless a manifest's `VERSION` or `APPLICATION_VERSION` says otherwise; by default the tag. */
  version?: string;
  /** Where it listens, unless a manifest's `PORTS` or `PORT` says otherwise; by default 8080 alone. */
  ports?: readonly number[];
}

/** Archives of app images, for `startCluster({ images })` or `importImage`. */
export async function appArchives(images: readonly (AppImage | string)[]): Promise<string[]> {
  const app = await goProgram(imageFolder('app'));
  return Promise.all(
    images.map((image) => {
      const { name, version = tagOf(name), ports = [8080] } = typeof image === 'string' ? { name: image } : image;
      return buildImage({
        name: canonical(name),
        files: { '/app': { source: app, mode: 0o755 } },
        entrypoint: ['/app'],
        cmd: ['-version', version, '-ports', ports.join(',')],
        user: '65532',
      });
    }),
  );
}

/** Archives of the mesh's control plane and of the load generator, under their own names or what `named` makes of them. */
export async function meshArchives(
  named: (image: string) => string = (image) => image,
): Promise<{ mesh: string; load: string }> {
  const archive = async (name: 'mesh' | 'load', image: string): Promise<string> => {
    const source = await goProgram(imageFolder(name));
    const path = `/${name}`;
    return buildImage({
      name: named(image),
      files: { [path]: { source, mode: 0o755 } },
      entrypoint: [path],
      user: '65532',
    });
  };
  return { mesh: await archive('mesh', meshImage), load: await archive('load', loadImage) };
}

function tagOf(name: string): string {
  return name.split('/').at(-1)?.split(':')[1] ?? 'latest';
}

/** The kubelet asks containerd for a name in this form, whatever the manifest says. */
function canonical(name: string): string {
  return name.replace(/^index\.docker\.io\//, 'docker.io/');
}
