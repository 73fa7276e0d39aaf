/** By which address programs elsewhere reach this machine, as far as it can tell. Pure. */

import type { NetworkInterfaceInfo } from 'node:os';

/** Of containers, virtual machines and tunnels: a cluster elsewhere does not reach them. */
const INNER = /^(docker|br-|veth|cni|flannel|cali|cilium|lxc|virbr|vbox|vmnet|tun|tap|utun|wg|tailscale|zt)/i;

/**
 * The first IPv4 address of a network that others are in; one of a bridge or tunnel where there is no other.
 * @param interfaces as `os.networkInterfaces()` lists them.
 * @returns undefined: this machine has no address but its own loopback.
 */
export function chooseAddress(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string | undefined {
  const found = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))
      .map(({ address }) => ({ address, isInner: INNER.test(name) })),
  );
  return (found.find(({ isInner }) => !isInner) ?? found[0])?.address;
}
