/** Images that a cluster has from its start: unpacked once for each set of them, then linked, not copied. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheFolder, madeOnce, removeUnused } from './cache.ts';
import { containerdToml, snapshotter } from './containerd.ts';
import type { Door } from './door.ts';

/** Imports all archives (`$2`, ...) by a containerd that lives just for that, configured in folder `$1`. */
const unpackScript = `set -e
folder=$1; shift
containerd --config "$folder/unpack.toml" >"$folder/unpack.log" 2>&1 & pid=$!
until ctr --address "$folder/unpack.sock" version >/dev/null 2>&1; do kill -0 $pid; sleep 0.05; done
for archive in "$@"; do ctr --address "$folder/unpack.sock" --namespace k8s.io images import "$archive"; done
kill $pid
wait $pid || true`;

/** Links what can be shared; the databases are written to, so they are copied (and all is, across file systems). */
const copyScript = `set -e
cp -al "$1/." "$2" 2>/dev/null || cp -a "$1/." "$2"
cd "$1"
find . -name '*.db' | while read -r file; do cp --remove-destination "$file" "$2/$file"; done`;

/**
 * Fills the root folder of the cluster's containerd, before it starts, with images.
 * A big image (Node, 130 MB) takes 2 s to import; linking what was unpacked before takes 20 ms.
 */
export async function fillImageStore(door: Door, folder: string, archives: readonly string[]): Promise<void> {
  const stores = join(cacheFolder(), 'image-stores');
  // An overlay cannot lie on an overlay: both the store's place and the cluster's decide.
  const kind = await snapshotter(folder);
  const names = archives.map((archive) => basename(archive)).sort();
  const key = createHash('sha256')
    .update([kind, ...names].join('\0'))
    .digest('hex')
    .slice(0, 16);
  const store = await madeOnce(join(stores, key), async (path) => {
    await writeFile(
      join(folder, 'unpack.toml'),
      containerdToml({ folder, name: 'unpack', root: path, snapshotter: kind }),
    );
    await door.run(['sh', '-c', unpackScript, 'unpack', folder, ...archives]);
    // Each change of a program makes a new image; a day of work would fill the disk.
    await removeUnused(stores, 6);
    await removeUnused(join(cacheFolder(), 'images'), 24);
  });
  await door.run(['sh', '-c', copyScript, 'copy', store, join(folder, 'containerd')]);
}
