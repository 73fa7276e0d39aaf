/** How containerd is configured: nothing of it outside the cluster's folder. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';
import { cniFolder } from './packages.ts';

/** Where one containerd keeps what it has. */
interface ContainerdSettings {
  folder: string;
  /** Names its socket and its state. */
  name: string;
  /** Where images are. */
  root: string;
  snapshotter: Snapshotter;
}

type Snapshotter = 'overlayfs' | 'native';

/** Overlays do not stack: in a container whose own root is one, files are copied instead. */
export async function snapshotter(folder: string): Promise<Snapshotter> {
  const overlayMagic = 0x794c7630;
  const types = await Promise.all([folder, cacheFolder()].map(async (path) => (await statfs(path)).type));
  return types.includes(overlayMagic) ? 'native' : 'overlayfs';
}

/** The configuration file (version 2, which containerd 1.4 to 2.x read). */
export function containerdToml({ folder, name, root, snapshotter }: ContainerdSettings): string {
  return `version = 2
root = "${root}"
state = "${join(folder, `${name}-state`)}"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "${join(folder, `${name}.sock`)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "sluice.test/pause:1"
  # Hosts without CAP_SYS_RESOURCE refuse to lower a score.
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "${snapshotter}"
  default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${cniFolder()}"
  conf_dir = "${join(folder, 'cni')}"
`;
}
