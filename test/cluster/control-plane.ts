/** The control plane alone, etcd and the API server, as an ordinary user on loopback: for integration tests. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api } from './api.ts';
import { ensureServiceAccount, openApi, serviceAccountToken, until } from './api.ts';
import { createAuthority, createTokenKeys } from './certificates.ts';
import { toStandardError, type Progress } from './progress.ts';
import type { Access } from './kubeconfig.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { flags, programPaths } from './programs.ts';
import { freePort } from '../support/free-port.ts';

/** A running control plane. RBAC is on; there are no controllers, so nothing acts on what is stored. */
export interface ControlPlane extends AsyncDisposable {
  /** The path of the administrator's kubeconfig. */
  kubeconfig: string;
  /** `https://127.0.0.1:port`. */
  url: string;
  /** Calls the API as the administrator. */
  api: Api;
  /** Makes the ServiceAccount (and its namespace) if need be, and returns a token for it. */
  token(namespace: string, serviceAccount: string): Promise<string>;
  /** As {@link ControlPlane.token}, in a kubeconfig file whose path is returned. */
  kubeconfigFor(namespace: string, serviceAccount: string): Promise<string>;
  /** Ends both programs and removes their folder. */
  stop(): Promise<void>;
}

/** What {@link startControlPlane} can be told. */
export interface ControlPlaneOptions {
  /** Aborting it stops the start, or the control plane that came of it. */
  signal?: AbortSignal;
  progress?: Progress;
}

/**
 * Starts etcd and the API server; a few seconds once they are built (`KUBEBUILDER_ASSETS` is honoured).
 * Everything ends with this process, also under `kill -9`.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { signal, progress = toStandardError } = options;
  const paths = await programPaths(['etcd', 'kube-apiserver'], progress);
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await start(paths, signal);
    } catch (error) {
      // The port was free a moment ago; somebody else may have taken it.
      if (attempt === 3 || !String(error).includes('address already in use')) throw error;
    }
  }
}

/**
 * Runs two commands and ends both, then removes the folder, when one of them ends or standard input does:
 * the owner's end closes it, however it came. Prints the ends of the logs. `$1` folder, `$2` and `$3` commands.
 */
const keeper = `
exec 3<&0
folder=$1 etcd=$2 server=$3
sh -c "exec $etcd" >"$folder/etcd.log" 2>&1 </dev/null & one=$!
sh -c "exec $server" >"$folder/kube-apiserver.log" 2>&1 </dev/null & two=$!
( cat >/dev/null; kill -9 $one $two ) <&3 >/dev/null 2>&1 &
wait $two 2>/dev/null
kill -9 $one 2>/dev/null
wait $one 2>/dev/null
tail -c 2000 "$folder/etcd.log" "$folder/kube-apiserver.log"
rm -rf "$folder"
`;

async function start(paths: { etcd: string; 'kube-apiserver': string }, signal?: AbortSignal): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-control-plane-'));
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const access = await writeCredentials(folder, url);
  const commands = [etcdCommand(paths.etcd, folder), serverCommand(paths['kube-apiserver'], folder, port)];
  const child = spawn('sh', ['-c', keeper, 'sluice-control-plane', folder, ...commands.map(shellWords)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C is the owner's to handle: it may still want to talk to the API while it ends.
    detached: true,
  });
  const api = openApi(access);
  const stop = async (): Promise<void> => {
    api[Symbol.dispose]();
    signal?.removeEventListener('abort', abort);
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  const abort = (): void => void stop();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await ready(api, child, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  const token = async (namespace: string, name: string): Promise<string> => {
    await ensureServiceAccount(api, namespace, name);
    return serviceAccountToken(api, namespace, name);
  };
  return {
    kubeconfig: join(folder, 'kubeconfig'),
    url,
    api,
    token,
    kubeconfigFor: async (namespace, name) =>
      writeKubeconfig(join(folder, `kubeconfig-${namespace}-${name}`), {
        ...access,
        credential: { token: await token(namespace, name) },
        namespace,
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function writeCredentials(folder: string, url: string): Promise<Access> {
  const [authority, tokenKeys] = await Promise.all([createAuthority(), createTokenKeys()]);
  const [server, admin] = await Promise.all([
    authority.server(['127.0.0.1', 'localhost', '10.96.0.1', 'kubernetes.default.svc']),
    authority.client('admin', ['system:masters']),
  ]);
  const files = {
    'ca.crt': authority.certificate,
    'server.crt': server.certificate,
    'server.key': server.key,
    'tokens.key': tokenKeys.privateKey,
    'tokens.pub': tokenKeys.publicKey,
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })));
  const access = { url, authority: authority.certificate, credential: admin };
  await writeKubeconfig(join(folder, 'kubeconfig'), access);
  return access;
}

function etcdCommand(binary: string, folder: string): string[] {
  const socket = `unix://${folder}/etcd.sock`;
  return [
    binary,
    ...flags({
      'data-dir': join(folder, 'etcd'),
      // Sockets need no free port. The peers' is never used, but etcd insists on one.
      'listen-client-urls': socket,
      'advertise-client-urls': socket,
      'listen-peer-urls': `unix://${folder}/peer.sock`,
      'unsafe-no-fsync': 'true',
      'log-level': 'warn',
    }),
  ];
}

function serverCommand(binary: string, folder: string, port: number): string[] {
  return [
    binary,
    ...flags({
      'etcd-servers': `unix://${folder}/etcd.sock`,
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1',
      'secure-port': String(port),
      'tls-cert-file': join(folder, 'server.crt'),
      'tls-private-key-file': join(folder, 'server.key'),
      'client-ca-file': join(folder, 'ca.crt'),
      'authorization-mode': 'RBAC',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': join(folder, 'tokens.pub'),
      'service-account-signing-key-file': join(folder, 'tokens.key'),
      'service-cluster-ip-range': '10.96.0.0/16',
      // No controller makes default ServiceAccounts here, so pods could not be made; and the API server's own
      // endpoint would be a loopback address, which the API refuses.
      'disable-admission-plugins': 'ServiceAccount',
      'endpoint-reconciler-type': 'none',
    }),
  ];
}

/** Waits for `/readyz`, and says what the logs say if a program ends before. */
async function ready(api: Api, child: ChildProcess, signal?: AbortSignal): Promise<void> {
  const gone = new AbortController();
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.once('close', () => gone.abort());
  const either = signal === undefined ? gone.signal : AbortSignal.any([gone.signal, signal]);
  try {
    await until('the API server to be ready', async () => (await api.call('GET', '/readyz')).status === 200, {
      timeoutMs: 60_000,
      signal: either,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new Error(`The control plane did not start: ${String(error)}\n${log}`, { cause: error });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.stdin?.end();
  await exit;
}

function shellWords(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
}
