/** What a node is made of: the files and the command lines of its programs, every flag with its reason. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { createAuthority, createTokenKeys } from './certificates.ts';
import { containerdToml, snapshotter } from './containerd.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { Access } from './kubeconfig.ts';
import type { nodePrograms } from './programs.ts';
import { flags } from './programs.ts';

/** Addresses are the same in every cluster: each has a network of its own. */
export const nodeAddress = '10.0.0.1';
export const dnsAddress = '10.96.0.10';
export const apiAddress = `${nodeAddress}:6443`;
const serviceRange = '10.96.0.0/16';
const podRange = '10.244.1.0/24';

/** What its files and commands depend on. */
export interface NodeSettings {
  folder: string;
  binaries: Record<(typeof nodePrograms)[number], string>;
  /** The longest pause before a container that ended is started again, seconds; undefined: Kubernetes' own 10 to 300. */
  restartPauseSeconds?: number | undefined;
}

/** Sets the network up from inside. */
export const networkScript = `set -e
ip link set lo up
ip address add ${nodeAddress}/32 dev lo
# Without it the node itself has no route to a ClusterIP.
ip route add local ${serviceRange} dev lo src ${nodeAddress}
echo 1 > /proc/sys/net/ipv4/ip_forward`;

/** Makes keys, certificates and kubeconfigs, and returns the administrator's access from inside. */
export async function writeCredentials({ folder }: NodeSettings): Promise<Access> {
  const [authority, tokens] = await Promise.all([createAuthority(), createTokenKeys()]);
  const [api, kubeletServer, kubeletClient, admin] = await Promise.all([
    authority.server([nodeAddress, '10.96.0.1', '127.0.0.1', 'localhost', 'kubernetes.default.svc', 'kubernetes']),
    authority.server([nodeAddress, 'node']),
    authority.client('kube-apiserver', ['system:masters']),
    authority.client('admin', ['system:masters']),
  ]);
  const texts = {
    'ca.crt': authority.certificate,
    'api.crt': api.certificate,
    'api.key': api.key,
    'kubelet.crt': kubeletServer.certificate,
    'kubelet.key': kubeletServer.key,
    'kubelet-client.crt': kubeletClient.certificate,
    'kubelet-client.key': kubeletClient.key,
    'tokens.key': tokens.privateKey,
    'tokens.pub': tokens.publicKey,
  };
  await Promise.all(Object.entries(texts).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })));
  const access = { url: `https://${apiAddress}`, authority: authority.certificate, credential: admin };
  // The controller manager's built-in role expects an account for each controller; as administrator it starts faster.
  const users: [string, string, string[]][] = [
    ['kube-controller-manager', 'system:kube-controller-manager', ['system:masters']],
    ['kube-scheduler', 'system:kube-scheduler', []],
    ['kube-proxy', 'system:kube-proxy', []],
    ['kubelet', 'system:node:node', ['system:nodes']],
    ['coredns', 'system:coredns', []],
  ];
  await Promise.all([
    writeKubeconfig(join(folder, 'kubeconfig-inside'), access),
    ...users.map(async ([name, user, groups]) => {
      const credential = await authority.client(user, groups);
      await writeKubeconfig(join(folder, `kubeconfig-${name}`), { ...access, credential });
    }),
  ]);
  return access;
}

/** Writes the programs' own configuration files. */
export async function writeConfigurations(settings: NodeSettings): Promise<void> {
  const { folder } = settings;
  await Promise.all(['cni', 'kubelet', 'containerd'].map((name) => mkdir(join(folder, name))));
  const kind = await snapshotter(folder);
  const files: Record<string, string> = {
    'containerd.toml': containerdToml({
      folder,
      name: 'containerd',
      root: join(folder, 'containerd'),
      snapshotter: kind,
    }),
    'cni/10-ptp.conflist': JSON.stringify(cniConfiguration(folder)),
    'kubelet.yaml': stringify(kubeletConfiguration(settings)),
    'kube-proxy.yaml': stringify(proxyConfiguration(folder)),
    Corefile: corefile(folder),
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
}

/** What processes inside resolve names with, as pods do. */
export const resolvConf = `nameserver ${dnsAddress}\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`;

/** The programs' command lines. The first three need nothing; the rest need the API. */
export function commands({ folder, binaries }: NodeSettings): Record<string, string[]> {
  const at = (name: string): string => join(folder, name);
  const etcd = `unix://${at('etcd.sock')}`;
  return {
    etcd: [
      binaries.etcd,
      ...flags({
        'data-dir': at('etcd'),
        'listen-client-urls': etcd,
        'advertise-client-urls': etcd,
        'listen-peer-urls': `unix://${at('etcd-peer.sock')}`,
        'unsafe-no-fsync': 'true',
        'log-level': 'warn',
      }),
    ],
    containerd: ['containerd', '--config', at('containerd.toml')],
    'kube-apiserver': [
      binaries['kube-apiserver'],
      ...flags({
        'etcd-servers': etcd,
        'bind-address': nodeAddress,
        'advertise-address': nodeAddress,
        'tls-cert-file': at('api.crt'),
        'tls-private-key-file': at('api.key'),
        'client-ca-file': at('ca.crt'),
        'authorization-mode': 'Node,RBAC',
        'enable-admission-plugins': 'NodeRestriction',
        'allow-privileged': 'true',
        'service-cluster-ip-range': serviceRange,
        'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
        'service-account-key-file': at('tokens.pub'),
        'service-account-signing-key-file': at('tokens.key'),
        'kubelet-client-certificate': at('kubelet-client.crt'),
        'kubelet-client-key': at('kubelet-client.key'),
        'kubelet-certificate-authority': at('ca.crt'),
        // The node's name is in no DNS.
        'kubelet-preferred-address-types': 'InternalIP',
      }),
    ],
    'kube-controller-manager': [
      binaries['kube-controller-manager'],
      ...flags({
        kubeconfig: at('kubeconfig-kube-controller-manager'),
        'service-account-private-key-file': at('tokens.key'),
        'root-ca-file': at('ca.crt'),
        'leader-elect': 'false',
        'bind-address': '127.0.0.1',
      }),
    ],
    'kube-scheduler': [
      binaries['kube-scheduler'],
      ...flags({ kubeconfig: at('kubeconfig-kube-scheduler'), 'leader-elect': 'false', 'bind-address': '127.0.0.1' }),
    ],
    kubelet: [
      binaries.kubelet,
      ...flags({
        config: at('kubelet.yaml'),
        kubeconfig: at('kubeconfig-kubelet'),
        'root-dir': at('kubelet'),
        'hostname-override': 'node',
        'node-ip': nodeAddress,
      }),
    ],
    'kube-proxy': [binaries['kube-proxy'], ...flags({ config: at('kube-proxy.yaml') })],
    coredns: [binaries.coredns, '-conf', at('Corefile')],
  };
}

/** `ctr` with the arguments to reach this cluster's containerd. */
export function ctr(folder: string): string[] {
  return ['ctr', '--address', join(folder, 'containerd.sock'), '--namespace', 'k8s.io'];
}

/** A pair of devices for each pod. Real addresses: the API refuses loopback ones in EndpointSlices. */
function cniConfiguration(folder: string): unknown {
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: join(folder, 'cni-addresses'),
          ranges: [[{ subnet: podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
}

function kubeletConfiguration({ folder, restartPauseSeconds }: NodeSettings): unknown {
  const restarts = { crashLoopBackOff: { maxContainerRestartPeriod: `${restartPauseSeconds}s` } };
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(folder, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(folder, 'kubelet.crt'),
    tlsPrivateKeyFile: join(folder, 'kubelet.key'),
    containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    // A pod asks the cluster's DNS alone, whatever the host's resolver is.
    resolvConf: '/dev/null',
    volumePluginDir: join(folder, 'volume-plugins'),
    // One cgroup above all containers, so that it can be removed by name; nothing else of the host is touched.
    cgroupRoot: `/${basename(folder)}`,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // The host's disk and memory are not the test's: evict and collect only at the very end.
    evictionHard: {
      'memory.available': '10Mi',
      'nodefs.available': '0.1%',
      'imagefs.available': '0.1%',
      'nodefs.inodesFree': '0.1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // By default five a second, which a rollout of a few pods with their events and tokens reaches.
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    eventRecordQPS: 0,
    ...(restartPauseSeconds === undefined ? {} : restarts),
  };
}

function proxyConfiguration(folder: string): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: 'node',
    clientConnection: { kubeconfig: join(folder, 'kubeconfig-kube-proxy') },
    // The table's size is the whole host's.
    conntrack: { maxPerCore: 0 },
    // One second by default; a test that makes a Service wants to use it.
    nftables: { minSyncPeriod: '100ms', syncPeriod: '30s' },
  };
}

/** Nothing is outside: a name that is not the cluster's does not exist, rather than being refused. */
function corefile(folder: string): string {
  return `.:53 {
  bind ${nodeAddress}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${folder}/kubeconfig-coredns
    pods insecure
    ttl 5
  }
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
`;
}
