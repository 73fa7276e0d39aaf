/** The API beyond loopback: TLS by the built-in authority or by your own files, which are read again when they change, and a command line that says what to do. */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/orchestrator/config.ts';
import { openApiCertificate } from '../../src/orchestrator/http/api-certificate.ts';
import { startOrchestrator, type Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { loadAuthority } from '../../src/orchestrator/security/authority.ts';
import { makeRoot, makeServer, type CertificateAndKey } from '../../src/orchestrator/security/issue.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { createLog, silentLog } from '../../src/shared/log.ts';
import { startCli } from '../support/cli-process.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

interface Served {
  orchestrator: Orchestrator;
  port: number;
  token: string;
  log: () => string;
  stop: () => Promise<void>;
}

let scratch: Scratch;
beforeAll(() => {
  scratch = makeScratch('http-tls');
});
afterAll(async () => {
  await scratch.remove();
});

async function serve(folder: string, more: Record<string, string>): Promise<Served> {
  const dataDir = join(scratch.folder, folder);
  const config = readConfig({
    SLUICE_DATA_DIR: dataDir,
    SLUICE_API_ADDRESS: '0.0.0.0:0',
    SLUICE_AGENT_ADDRESS: '127.0.0.1:0',
    ...more,
  });
  const { tls } = config.api;
  const api = tls.kind === 'files' ? { ...config.api, tls: { ...tls, lookMs: 50 } } : config.api;
  const lines: string[] = [];
  const destination = { write: (line: string): void => void lines.push(line) };
  const log = createLog({ name: 'orchestrator', format: 'json', level: 'info', destination });
  const orchestrator = await startOrchestrator({ ...config, api }, log);
  return {
    orchestrator,
    port: Number(new URL(orchestrator.apiUrl).port),
    token: (await readFile(join(dataDir, 'api-token'), 'utf8')).trim(),
    log: () => lines.join(''),
    stop: () => orchestrator.stop(),
  };
}

/** What is served there, whoever signed it. */
async function certificateAt(port: number): Promise<PeerCertificate> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}

async function sluice(url: string, args: string[], more: Record<string, string> = {}) {
  return startCli(args, { SLUICE_URL: url, ...more }).ended;
}

describe('the built-in authority', () => {
  let served: Served;
  let authority: string;
  beforeAll(async () => {
    served = await serve('built-in', { SLUICE_API_PUBLIC_URL: 'https://sluice.test' });
    authority = join(scratch.folder, 'built-in/ca/trusted.crt');
  });
  afterAll(async () => {
    await served.stop();
  });

  it('signs a certificate for this machine and for the public name', async () => {
    expect(served.orchestrator.apiUrl).toMatch(/^https:/);
    const { subjectaltname } = await certificateAt(served.port);
    for (const name of ['DNS:localhost', 'IP Address:127.0.0.1', 'DNS:sluice.test']) {
      expect(subjectaltname).toContain(name);
    }
  });

  it('tells /metrics when it ends', async () => {
    const ca = await readFile(authority);
    const asked = request({ port: served.port, path: '/metrics', ca, servername: 'sluice.test' }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const { valid_to: end } = await certificateAt(served.port);
    const line = `sluice_certificate_expiry_timestamp_seconds{certificate="api"} ${Date.parse(end) / 1000}`;
    expect(await text(response)).toContain(line);
  });

  it('is believed by a command line that is given it, which is let in with the token from the data folder', async () => {
    const url = `https://127.0.0.1:${served.port}`;
    const trusting = { SLUICE_CA_FILE: authority };
    expect(await sluice(url, ['agents'], { ...trusting, SLUICE_TOKEN: served.token })).toMatchObject({ code: 0 });
    expect(await sluice(url, ['agents', '--ca', authority, '--token', served.token])).toMatchObject({ code: 0 });
    expect((await sluice(url, ['agents'], trusting)).stderr).toContain('The API needs a token');
    expect((await stat(join(scratch.folder, 'built-in/api-token'))).mode & 0o777).toBe(0o600);
  });

  it('that is not given, and a name that is not in the certificate, are said with what to do', async () => {
    const strange = await sluice(`https://127.0.0.1:${served.port}`, ['agents']);
    expect(strange.code).toBe(7);
    expect(strange.stderr).toContain("Name the orchestrator's own with --ca FILE or SLUICE_CA_FILE");
    const misnamed = await sluice(`https://127.0.0.2:${served.port}`, ['watch', 'x'], { SLUICE_CA_FILE: authority });
    expect(misnamed.code).toBe(7);
    expect(misnamed.stderr).toMatch(/is for localhost, .*sluice\.test.*, not for 127\.0\.0\.2/);
    expect(misnamed.stderr).toContain('SLUICE_API_PUBLIC_URL=https://127.0.0.2');
    const foreign = join(scratch.folder, 'foreign.crt');
    await writeFile(foreign, (await makeRoot(Date.now())).certificate);
    const other = await sluice(`https://127.0.0.1:${served.port}`, ['agents', '--ca', foreign]);
    expect(other.stderr).toContain(`nor by the one in ${foreign}`);
    const gone = await sluice(`https://127.0.0.1:${served.port}`, ['agents', '--ca', '/nowhere.crt']);
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('there is no such file')]);
  });

  it('is not asked where a command line speaks no TLS, nor one that does where there is none: both are said', async () => {
    const plain = await sluice(`http://127.0.0.1:${served.port}`, ['agents']);
    expect([plain.code, plain.stderr]).toEqual([7, expect.stringContaining('name it with https://')]);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const tls = await sluice(`https://127.0.0.1:${port}`, ['agents']);
    expect([tls.code, tls.stderr]).toEqual([7, expect.stringContaining('speaks no TLS')]);
    server.close();
  });

  it('gives another certificate when another authority signs', async () => {
    const dataDir = join(scratch.folder, 'rotated');
    const authority = await loadAuthority({ dataDir, hosts: [], now: Date.now });
    const names = ['sluice.test'];
    const options = {
      tls: { kind: 'builtIn' },
      authority,
      names,
      dataDir,
      clock: systemClock,
      log: silentLog,
    } as const;
    const opened = await openApiCertificate(options);
    const trusted = async (): Promise<string[]> =>
      (await readFile(join(dataDir, 'ca/trusted.crt'), 'utf8')).match(/BEGIN/g) ?? [];
    expect(await trusted()).toHaveLength(1);
    const next = Promise.withResolvers<string>();
    const stop = opened?.follow(({ cert }) => next.resolve(cert));
    try {
      const old = new X509Certificate(authority.ca);
      expect(new X509Certificate(opened?.pair.cert ?? '').verify(old.publicKey)).toBe(true);
      await authority.prepare();
      await expect.poll(trusted).toHaveLength(2);
      await authority.activate();
      const certificate = new X509Certificate(await next.promise);
      expect(certificate.verify(old.publicKey)).toBe(false);
      expect(certificate.checkHost('sluice.test')).toBe('sluice.test');
    } finally {
      stop?.();
    }
  });
});

describe('your own certificate', () => {
  let root: CertificateAndKey;
  let folder: string;
  let mounts = 0;
  beforeAll(async () => {
    root = await makeRoot(Date.now());
    folder = join(scratch.folder, 'mounted');
    await mkdir(folder);
    await writeFile(join(scratch.folder, 'root.crt'), root.certificate);
    for (const name of ['tls.crt', 'tls.key']) await symlink(join('..data', name), join(folder, name));
  });

  const files = (): Record<string, string> => ({
    SLUICE_API_TLS_CERT_FILE: join(folder, 'tls.crt'),
    SLUICE_API_TLS_KEY_FILE: join(folder, 'tls.key'),
  });

  /** As the kubelet updates a mounted Secret: a new folder, and a link that is swapped to it. */
  async function mount({ certificate, key }: CertificateAndKey): Promise<void> {
    const version = `..version-${++mounts}`;
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'tls.crt'), certificate);
    await writeFile(join(folder, version, 'tls.key'), key);
    await symlink(version, join(folder, '..data.new'));
    await rename(join(folder, '..data.new'), join(folder, '..data'));
  }

  const named = (name: string, nowMs = Date.now()): Promise<CertificateAndKey> =>
    makeServer(root, ['127.0.0.1', name], nowMs);

  it('is replaced when the mounted Secret is; a broken new one leaves the one before, and is said', async () => {
    await mount(await named('first.test'));
    const served = await serve('own', files());
    try {
      const names = async (): Promise<string> => (await certificateAt(served.port)).subjectaltname ?? '';
      expect(await names()).toContain('first.test');
      const token = { SLUICE_TOKEN: served.token, SLUICE_CA_FILE: join(scratch.folder, 'root.crt') };
      expect(await sluice(`https://127.0.0.1:${served.port}`, ['agents'], token)).toMatchObject({ code: 0 });
      await mount(await named('second.test'));
      await expect.poll(names, { timeout: 20_000 }).toContain('second.test');
      const { certificate } = await named('mixed.test');
      await mount({ certificate, key: (await named('mixed.test')).key });
      await expect.poll(served.log, { timeout: 20_000 }).toContain('certificate and key do not belong together');
      await mount(await named('old.test', Date.now() - 500 * 24 * 60 * 60 * 1000));
      await expect.poll(served.log, { timeout: 20_000 }).toMatch(/CN=sluice-orchestrator ended at 20/);
      expect(await names()).toContain('second.test');
      await mount(await named('third.test'));
      await expect.poll(names, { timeout: 20_000 }).toContain('third.test');
      expect(served.log()).not.toContain('PRIVATE KEY');
    } finally {
      await served.stop();
    }
  });

  it('that is past its time is served when there is no other, said, and explained by the command line', async () => {
    await mount(await named('old.test', Date.now() - 500 * 24 * 60 * 60 * 1000));
    const served = await serve('expired', files());
    try {
      expect(served.log()).toContain('no client will take the API certificate');
      const token = { SLUICE_TOKEN: served.token, SLUICE_CA_FILE: join(scratch.folder, 'root.crt') };
      const { code, stderr } = await sluice(`https://127.0.0.1:${served.port}`, ['agents'], token);
      expect([code, stderr]).toEqual([7, expect.stringContaining('is past its time')]);
    } finally {
      await served.stop();
    }
  });

  it('that is none ends the start, with the names of the settings', async () => {
    await mount({ certificate: 'no certificate', key: 'no key' });
    await expect(serve('none', files())).rejects.toMatchObject({
      code: 'API_CERTIFICATE',
      message: expect.stringContaining('SLUICE_API_TLS_CERT_FILE') as string,
    });
  });
});
