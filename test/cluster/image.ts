/** Container images without Docker: one layer, made from files of this machine, as an archive that containerd imports. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, madeOnce } from './cache.ts';
import type { Entry } from './tar.ts';
import { entriesOf, tar } from './tar.ts';

/** A file of an image: a path on this machine (a file or a whole folder), or content. */
type ImageFile = string | Buffer | { source: string | Buffer; mode?: number };

/** What an image is made of. */
export interface ImageSpec {
  /** Name and tag, `sluice.test/app:v1`. */
  name: string;
  /** By absolute path in the image. Content without a mode is 0644; files keep theirs. */
  files: Record<string, ImageFile>;
  entrypoint: readonly string[];
  cmd?: readonly string[];
  /** `uid` or `uid:gid`; root without. */
  user?: string;
  env?: Record<string, string>;
  workdir?: string;
}

/** Makes the image, once for each content, and returns its archive's path (docker-archive, for `importImage`). */
export async function buildImage(spec: ImageSpec): Promise<string> {
  const layer = tar((await Promise.all(Object.entries(spec.files).map(([path, file]) => entries(path, file)))).flat());
  const layerDigest = sha256(layer);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {
        Entrypoint: spec.entrypoint,
        ...(spec.cmd === undefined ? {} : { Cmd: spec.cmd }),
        ...(spec.user === undefined ? {} : { User: spec.user }),
        ...(spec.workdir === undefined ? {} : { WorkingDir: spec.workdir }),
        Env: Object.entries({ PATH: '/usr/local/bin:/usr/bin:/bin', ...spec.env }).map(
          ([key, value]) => `${key}=${value}`,
        ),
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
      history: [{ created_by: 'sluice test/cluster' }],
    }),
  );
  const configName = `${sha256([config])}.json`;
  const manifest = [{ Config: configName, RepoTags: [spec.name], Layers: ['layer.tar'] }];
  const archive = tar([
    { path: 'manifest.json', mode: 0o644, content: Buffer.from(JSON.stringify(manifest)) },
    { path: configName, mode: 0o644, content: config },
    { path: 'layer.tar', mode: 0o644, content: Buffer.concat(layer) },
  ]);
  const key = sha256([config, Buffer.from(spec.name)]).slice(0, 16);
  const fileName = `${spec.name.replaceAll(/[^\w.-]+/g, '-')}-${key}.tar`;
  return madeOnce(join(cacheFolder(), 'images', fileName), (path) => writeFile(path, archive));
}

async function entries(path: string, file: ImageFile): Promise<Entry[]> {
  const inner = path.replace(/^\/+/, '');
  const { source, mode } = typeof file === 'string' || Buffer.isBuffer(file) ? { source: file, mode: undefined } : file;
  if (typeof source === 'string') return entriesOf(source, inner, mode);
  return [{ path: inner, mode: mode ?? 0o644, content: source }];
}

function sha256(pieces: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
