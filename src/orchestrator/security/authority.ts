/** The orchestrator's own certificate authority: made at the first start, signs the hub's certificate and the agents', and is followed by another. */

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import { AuthorityFiles } from './authority-files.ts';
import type { Roles } from './authority-files.ts';
import type { CertificateAndKey, IssuedCertificate, SignedCertificate } from './issue.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const RENEW_BEFORE_DAYS = 60;

/** One authority that is trusted. */
export interface Trusted {
  role: keyof Roles;
  /** Of its certificate: SHA-256, hexadecimal. */
  fingerprint: string;
  endsAt: Date;
}

export interface Authority {
  /** PEM of every authority that is trusted: what both sides check the other by. More than one while one follows another. */
  readonly ca: string;
  readonly trusted: readonly Trusted[];
  /** Fingerprint of the one that signs. */
  readonly active: string;
  readonly server: CertificateAndKey;
  /**
   * The certificate of the HTTP API, kept beside the hub's: the same one until it is near its end, lacks a name or is another
   * authority's, so ask again now and then.
   * @param names beside localhost.
   */
  serverFor(names: readonly string[]): Promise<CertificateAndKey>;
  /**
   * A client certificate with the account as its common name, and its key. As long-lived as the authority: at each connect
   * the hub compares its serial with the account's current one, and that, not its age, is what ends it.
   */
  issueAgent(account: string): Promise<IssuedCertificate>;
  /** The same for a key that the agent keeps to itself. @param csr PKCS#10, DER. @throws SluiceError INVALID_CSR. */
  signAgent(account: string, csr: Uint8Array, lifetimeMs: number): Promise<SignedCertificate>;
  /** Makes the authority that is to follow, which is trusted from now on. Once there is one it does nothing. */
  prepare(): Promise<void>;
  /** The prepared one signs from now on, the hub's certificate first. */
  activate(): Promise<void>;
  /** What the old one signed no longer counts. */
  retire(): Promise<void>;
  /** Calls back after each of these. @returns the way to stop. */
  onChange(listener: () => void): () => void;
}

export interface AuthorityOptions {
  dataDir: string;
  /** Names and addresses the hub is reached by, beside localhost. */
  hosts: readonly string[];
  now: () => number;
}

/**
 * Reads the authority from `<dataDir>/ca`, or makes it; renews the hub's certificate when it is near its end or lacks a host.
 * @throws SluiceError CERTIFICATE_AUTHORITY (stalled) when its files cannot be read.
 */
export async function loadAuthority(options: AuthorityOptions): Promise<Authority> {
  const files = new AuthorityFiles(options.dataDir);
  await files.make();
  const roles = await readable(files, () => files.roles());
  if (roles.active === 'ca' && !(await files.read('ca'))) await files.write('ca', await newRoot(options));
  const authority = new OwnAuthority(files, options);
  await authority.load(roles);
  return authority;
}

interface Member {
  pair: CertificateAndKey;
  certificate: X509Certificate;
}

class OwnAuthority implements Authority {
  readonly #files: AuthorityFiles;
  readonly #options: AuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #roles!: Roles;
  #active!: Member;
  #others: { role: 'next' | 'old'; member: Member }[] = [];
  server!: CertificateAndKey;

  constructor(files: AuthorityFiles, options: AuthorityOptions) {
    this.#files = files;
    this.#options = options;
  }

  get ca(): string {
    return [this.#active, ...this.#others.map(({ member }) => member)].map(({ pair }) => pair.certificate).join('\n');
  }

  get trusted(): Trusted[] {
    return [{ role: 'active' as const, member: this.#active }, ...this.#others].map(({ role, member }) => ({
      role,
      fingerprint: fingerprintOf(member.certificate),
      endsAt: member.certificate.validToDate,
    }));
  }

  get active(): string {
    return fingerprintOf(this.#active.certificate);
  }

  async load(roles: Roles): Promise<void> {
    const active = await this.#member(roles.active);
    const others: { role: 'next' | 'old'; member: Member }[] = [];
    for (const role of ['next', 'old'] as const) {
      const name = roles[role];
      if (name !== undefined) others.push({ role, member: await this.#member(name) });
    }
    const server = await this.#serverNamed('server', this.#options.hosts, active);
    // All at once: an agent that connects while files are read must not find an authority missing.
    this.#roles = roles;
    this.#active = active;
    this.#others = others;
    this.server = server;
  }

  serverFor(names: readonly string[]): Promise<CertificateAndKey> {
    return this.#serverNamed('api', names, this.#active);
  }

  async issueAgent(account: string): Promise<IssuedCertificate> {
    return (await import('./issue.ts')).makeAgent(this.#active.pair, account, this.#options.now());
  }

  async signAgent(account: string, csr: Uint8Array, lifetimeMs: number): Promise<SignedCertificate> {
    const { signAgent } = await import('./issue.ts');
    return signAgent(this.#active.pair, account, csr, { nowMs: this.#options.now(), lifetimeMs });
  }

  async prepare(): Promise<void> {
    if (this.#roles.next !== undefined) return;
    const pair = await newRoot(this.#options);
    const name = `ca-${fingerprintOf(new X509Certificate(pair.certificate)).slice(0, 12)}`;
    await this.#files.write(name, pair);
    await this.#become({ ...this.#roles, next: name });
  }

  async activate(): Promise<void> {
    const { active, next } = this.#roles;
    if (next !== undefined) await this.#become({ active: next, old: active });
  }

  async retire(): Promise<void> {
    const { active, next } = this.#roles;
    await this.#become({ active, ...(next !== undefined && { next }) });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #become(roles: Roles): Promise<void> {
    await this.#files.setRoles(roles);
    await this.load(roles);
    for (const listener of this.#listeners) listener();
  }

  async #serverNamed(name: string, hosts: readonly string[], active: Member): Promise<CertificateAndKey> {
    const options = { ...this.#options, hosts };
    const known = await this.#files.read(name);
    const isFresh = known !== undefined && isServerFresh(known.certificate, active.certificate, options);
    return isFresh ? known : this.#files.write(name, await newServer(active.pair, options));
  }

  #member(name: string): Promise<Member> {
    return readable(this.#files, async () => {
      const pair = await this.#files.read(name);
      if (!pair) throw new Error(`${name}.crt or ${name}.key is not there`);
      const certificate = new X509Certificate(pair.certificate);
      if (!certificate.checkPrivateKey(createPrivateKey(pair.key)))
        throw new Error('certificate and key do not belong together');
      return { pair, certificate };
    });
  }
}

/** As agents name it. */
function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

async function newRoot({ now }: AuthorityOptions): Promise<CertificateAndKey> {
  const { makeRoot } = await import('./issue.ts');
  return makeRoot(now());
}

async function newServer(ca: CertificateAndKey, { hosts, now }: AuthorityOptions): Promise<CertificateAndKey> {
  const { makeServer } = await import('./issue.ts');
  return makeServer(ca, hostNames(hosts), now());
}

async function readable<T>({ folder }: AuthorityFiles, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new SluiceError(
      'CERTIFICATE_AUTHORITY',
      `The certificate authority in ${folder} cannot be read: ${messageOf(cause)}. Restore the folder from a backup; if you delete it, a new one is made and every agent needs a new credential.`,
      { disposition: 'stalled', cause },
    );
  }
}

/** An authority made anew has the old one's name, so the signature is what tells. */
function isServerFresh(pem: string, ca: X509Certificate, { hosts, now }: AuthorityOptions): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const lastsMs = certificate.validToDate.getTime() - now();
    if (lastsMs <= RENEW_BEFORE_DAYS * DAY_MS || !hostNames(hosts).every((host) => covers(certificate, host)))
      return false;
    return certificate.verify(ca.publicKey);
  } catch {
    return false;
  }
}

function covers(certificate: X509Certificate, host: string): boolean {
  const name = isIP(host)
    ? certificate.checkIP(host)
    : certificate.checkHost(host, { subject: 'never', wildcards: false });
  return name !== undefined;
}

function hostNames(hosts: readonly string[]): string[] {
  return [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
}
