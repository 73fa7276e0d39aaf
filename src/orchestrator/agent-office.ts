/** Everything about who may be an agent: credentials given and taken, the authority and its successor, the certificate of the agents' port. */

import { readFile } from 'node:fs/promises';
import type { Clock } from '../shared/clock.ts';
import { SluiceError, messageOf } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { formatAddress, parseAddress } from './config.ts';
import type { OrchestratorConfig } from './config.ts';
import type { Hub, HubOptions } from './hub/hub.ts';
import { openOwnCertificate } from './hub/own-certificate.ts';
import type { OwnCertificate } from './hub/own-certificate.ts';
import { startHubServer } from './hub/server.ts';
import type { HubServer } from './hub/server.ts';
import { loadAuthority } from './security/authority.ts';
import type { Authority, Trusted } from './security/authority.ts';
import { addAgent } from './security/credential.ts';
import type { GivenCredential } from './security/credential.ts';
import { Enrolment } from './security/enrolment.ts';
import type { Invitation } from './security/enrolment.ts';
import { assessRotation } from './security/rotation.ts';
import type { Rotation } from './security/rotation.ts';
import { listAgents, revokeAgent } from './store/agents.ts';
import type { Store } from './store/store.ts';

export interface AgentOfficeOptions {
  agents: OrchestratorConfig['agents'];
  dataDir: string;
  store: Store;
  clock: Clock;
  log: Log;
}

export interface AuthorityState extends Rotation {
  authorities: readonly Trusted[];
}

export class AgentOffice {
  readonly authority: Authority;
  readonly enrolment: Enrolment;
  readonly #options: AgentOfficeOptions;
  readonly #own: OwnCertificate | undefined;
  /** PEM; undefined: agents check the hub by the authorities that their system trusts. */
  readonly #hubAuthority: () => string | undefined;
  #hub: Hub | undefined;
  #boundAddress = '';

  /** @throws SluiceError of whatever cannot be read. */
  static async open(options: AgentOfficeOptions): Promise<AgentOffice> {
    const { agents, dataDir, clock, log } = options;
    const hosts = [agents.address.host, parseAddress(agents.publicAddress ?? '')?.host].filter(isNameable);
    const authority = await loadAuthority({ dataDir, hosts, now: () => clock.now() });
    const own = agents.tls && (await openOwnCertificate({ ...agents.tls, clock, log }));
    const foreign = agents.caFile === undefined ? undefined : await readAuthority(agents.caFile);
    return new AgentOffice(options, authority, own, foreign);
  }

  private constructor(
    options: AgentOfficeOptions,
    authority: Authority,
    own: OwnCertificate | undefined,
    foreign: string | undefined,
  ) {
    const { agents, store, clock } = options;
    this.#options = options;
    this.authority = authority;
    this.#own = own;
    this.#hubAuthority = () => (own || agents.behindProxy ? foreign : (foreign ?? authority.ca));
    this.enrolment = new Enrolment({
      store,
      clock,
      authority,
      server: () => agents.publicAddress ?? this.#boundAddress,
      hubAuthority: this.#hubAuthority,
      endsTls: !agents.plaintext,
      certificateMs: agents.certificateMs,
    });
  }

  /** PEM by name, as they are used now: the authority that signs stands first in `ca`; `server` is what the agents' port shows. */
  get certificates(): Record<string, string> {
    const { plaintext } = this.#options.agents;
    const shown = this.#own?.pair.certificate ?? this.authority.server.certificate;
    return { ca: this.authority.ca, ...(!plaintext && { server: shown }) };
  }

  /** What the hub takes of it. */
  get hubParts(): Pick<HubOptions, 'enrolment' | 'trust'> {
    const { authority, enrolment } = this;
    if (this.#options.agents.plaintext) return { enrolment };
    return { enrolment, trust: { authority, hubAuthority: this.#hubAuthority, signsHub: this.#own === undefined } };
  }

  /** Serves the hub at the agents' address. @throws SluiceError ADDRESS_IN_USE. */
  async serve(hub: Hub): Promise<HubServer & { address: string }> {
    const { address, plaintext, behindProxy } = this.#options.agents;
    const server = await startHubServer({
      hub,
      address,
      authority: plaintext ? undefined : this.authority,
      behindProxy,
      ownCertificate: this.#own,
    });
    this.#hub = hub;
    this.#boundAddress = formatAddress({ ...address, port: server.port });
    const stop = async (): Promise<void> => {
      this.#own?.stop();
      await server.stop();
    };
    return { port: server.port, address: this.#boundAddress, stop };
  }

  /** A credential that lasts, in one file; what the account had before no longer counts, and its session ends. @throws SluiceError INVALID_ACCOUNT. */
  async addAgent(account: string): Promise<GivenCredential> {
    const { store, log, agents } = this.#options;
    const server = agents.publicAddress ?? this.#boundAddress;
    const credential = await addAgent(store, this.authority, server, account);
    this.#hub?.endSession(account, 'its credential was replaced');
    log.info({ account }, 'agent credential issued');
    const ca = this.#hubAuthority();
    const { certificate, key, token } = credential;
    const seen = { account, server, ...(ca !== undefined && { ca }), token };
    return agents.behindProxy ? seen : { ...seen, certificate, key };
  }

  /** Takes an account's credential away and ends its session. @returns false if there is no such agent. */
  async revokeAgent(account: string): Promise<boolean> {
    const { store, log } = this.#options;
    const isKnown = await revokeAgent(store, account);
    this.#hub?.endSession(account, 'its credential was revoked');
    if (isKnown) log.info({ account }, 'agent credential revoked');
    return isKnown;
  }

  /** A join token, and what is installed with it. @throws SluiceError INVALID_ACCOUNT. */
  async invite(account: string): Promise<Invitation & { chart: string; image: string | null }> {
    const { agents, log } = this.#options;
    const invited = await this.enrolment.invite(account);
    log.info({ account, expires_at: invited.expiresAt }, 'join token issued');
    return { ...invited, chart: agents.install.chart, image: agents.install.image ?? null };
  }

  /** @throws SluiceError NO_SUCH_AGENT, TOKENS_NOT_HEARD. */
  async addToken(account: string): Promise<GivenCredential> {
    if (!this.#options.agents.plaintext) {
      throw new SluiceError(
        'TOKENS_NOT_HEARD',
        'This orchestrator ends TLS itself, so agents prove themselves by certificates and no token is heard. Tokens are for SLUICE_AGENT_BEHIND_PROXY=1.',
      );
    }
    const credential = await this.enrolment.addToken(account);
    this.#options.log.info({ account }, 'agent token issued');
    return credential;
  }

  async authorityState(): Promise<AuthorityState> {
    const { store } = this.#options;
    const { trusted } = this.authority;
    return { authorities: trusted, ...assessRotation(trusted, await listAgents(store), this.#own === undefined) };
  }

  /** Begins to put another authority in the place of the one that signs; begun already, it does nothing. */
  async rotateAuthority(): Promise<AuthorityState> {
    if ((await this.authorityState()).phase === 'settled') {
      await this.authority.prepare();
      this.#options.log.info({}, 'new certificate authority published');
      await this.#hub?.settledTrust();
    }
    return this.authorityState();
  }

  /**
   * Drops the old authority. @param force though agents still need it: they have to be enrolled anew.
   * @throws SluiceError CA_ROTATION_WAITS, NO_CA_ROTATION.
   */
  async finishRotation(force: boolean): Promise<AuthorityState> {
    const { phase, waiting } = await this.authorityState();
    if (phase === 'settled') {
      throw new SluiceError('NO_CA_ROTATION', 'There is one certificate authority; begin with: sluice ca rotate');
    }
    if (!force && (phase === 'published' || waiting.length > 0)) {
      const whom = waiting.map(({ account, reason }) => `${account} ${reason}`).join('; ');
      throw new SluiceError(
        'CA_ROTATION_WAITS',
        `The old authority is still needed: ${whom || 'the new one does not sign yet'}. Wait, revoke what is gone (sluice agents revoke NAME), or drop it all the same with --force: these agents then have to be enrolled anew.`,
      );
    }
    await this.authority.activate();
    await this.authority.retire();
    this.#options.log.info({}, 'old certificate authority dropped');
    return this.authorityState();
  }
}

async function readAuthority(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate (PEM)');
    return text.trim();
  } catch (cause) {
    throw new SluiceError(
      'AGENT_CERTIFICATE',
      `SLUICE_AGENT_CA_FILE (${path}) cannot be used: ${messageOf(cause)}. Name the authority of the certificate that agents see.`,
      { cause, disposition: 'stalled' },
    );
  }
}

/** A wildcard is no name that a certificate could be for. */
function isNameable(host: string | undefined): host is string {
  return host !== undefined && host !== '' && host !== '0.0.0.0' && host !== '::';
}
