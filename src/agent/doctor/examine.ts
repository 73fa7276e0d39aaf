/** Looks at everything an agent rests on, in the order in which it needs it; reads only, and leaves a running agent alone. */

import { X509Certificate } from 'node:crypto';
import packageJson from '../../../package.json' with { type: 'json' };
import { fail, ok } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { systemClock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { LIMITS, PROTOCOL_MAX, PROTOCOL_MIN } from '../../protocol/service.ts';
import type { AgentConfig } from '../config.ts';
import type { AgentCredential } from '../credential.ts';
import { readKept } from '../enrol/read-kept.ts';
import { openClusterAccess } from '../kubernetes/cluster-access.ts';
import { KubeApi } from '../kubernetes/kube-api.ts';
import { reviewAccess } from '../operations/review-access.ts';
import { openHubClient } from '../stream/channel.ts';
import { factsOf, probeConnection } from '../stream/probe.ts';
import { askHub } from './ask-hub.ts';
import { judgeKinds, judgeMesh, judgeNamespace } from './judge-cluster.ts';
import type { ServedVersions } from './judge-cluster.ts';
import { judgeConnection } from './judge-connection.ts';
import { judgeCredential } from './judge-credential.ts';
import { judgeHub } from './judge-hub.ts';
import { judgeRights, rulesToReview } from './judge-rights.ts';
import type { NeededRule, ServedKinds } from './judge-rights.ts';
import { NEEDED_RIGHTS } from './needed-rights.ts';
import { deniedVerbs, judgeOwnObject, ownObjects } from './own-objects.ts';
import { credentialFacts } from './read-credential-facts.ts';
import { readIdentity, readNamespace, readServed, readVersion } from './read-cluster.ts';

/** A person waits for it. */
const WAY_LIMIT_MS = 10_000;
const CLUSTER_LIMIT_MS = 30_000;
/** Of the first answer: a server that cannot be reached is not waited for as one that has much to say. */
const FIRST_LIMIT_MS = 8_000;

/** @param now milliseconds since the epoch; for tests of dates. */
export async function examine(config: AgentConfig, now: () => number = Date.now): Promise<Check[]> {
  const [way, cluster] = await Promise.all([examineWay(config, now), examineCluster(config)]);
  return [configurationCheck(config), ...way, ...cluster];
}

function configurationCheck({ policy, plaintext }: AgentConfig): Check {
  const { allowedNamespaces, rights, readOnly } = policy;
  const parts = [
    `namespaces ${allowedNamespaces.join(', ')}`,
    rights === undefined
      ? 'no policy file: the cluster alone says what it may do'
      : `${rights.length} rights in the policy`,
    ...(readOnly === true ? ['read only'] : []),
    ...(plaintext ? ['no TLS'] : []),
  ];
  return ok('configuration', 'configuration', parts.join('; '));
}

/** Credential, the way to the orchestrator, and its answer. */
async function examineWay(config: AgentConfig, now: () => number): Promise<Check[]> {
  let credential: AgentCredential;
  let own: Check[];
  try {
    const kept = await readKept(config);
    const { path } = kept;
    credential = kept.credential;
    own = judgeCredential(credentialFacts(path, credential), now());
  } catch (error) {
    const hint = 'Make a credential with `sluice agents add NAME` and give it to the agent as its Secret or file.';
    return [fail('credential', 'credential', messageOf(error), hint)];
  }
  const server = config.server ?? credential.server;
  if (server === undefined) {
    const hint = "Set the chart's value server.address (SLUICE_SERVER) to host:port.";
    return [
      ...own,
      fail('server', 'server', 'neither the credential nor the configuration names the orchestrator', hint),
    ];
  }
  const { serverName, plaintext, proxy } = config;
  const target = { server, serverName, plaintext, proxy };
  const { ca, certificate, key } = credential;
  const findings = await probeConnection({ ...target, ca, certificate, key }, AbortSignal.timeout(WAY_LIMIT_MS));
  const expected = {
    target: { ...target, ca },
    own: certificate === undefined ? undefined : certificateOf(certificate),
    nowMs: now(),
  };
  const way = judgeConnection(findings, expected);
  if (way.some(({ state }) => state === 'fail')) return [...own, ...way];
  const client = openHubClient(target, { ca, certificate, key });
  try {
    const answer = await askHub(client, credential.token, helloOf(config), now);
    return [...own, ...way, ...judgeHub(answer)];
  } finally {
    client.close();
  }
}

function certificateOf(pem: string): ReturnType<typeof factsOf> {
  return factsOf(new X509Certificate(pem));
}

function helloOf({ policy }: AgentConfig) {
  return {
    instanceId: 'doctor',
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    agentVersion: packageJson.version,
    maxMessageBytes: LIMITS.maxMessageBytes,
    credit: LIMITS.credit,
    allowedNamespaces: [...policy.allowedNamespaces],
  };
}

/** The API server, and through it the rest. */
async function examineCluster(config: AgentConfig): Promise<Check[]> {
  const failed = (error: unknown): Check =>
    fail(
      'kubernetes',
      'kubernetes',
      messageOf(error),
      'In a pod: a NetworkPolicy must let it reach the API server, and its ServiceAccount token must be mounted. Outside: see SLUICE_KUBECONFIG.',
    );
  let api: KubeApi;
  try {
    api = new KubeApi(await openClusterAccess(config.cluster), systemClock);
  } catch (error) {
    return [failed(error)];
  }
  try {
    return await throughApi(api, config, AbortSignal.timeout(CLUSTER_LIMIT_MS));
  } catch (error) {
    return [failed(error)];
  } finally {
    api.close();
  }
}

async function throughApi(api: KubeApi, config: AgentConfig, signal: AbortSignal): Promise<Check[]> {
  const { policy } = config;
  const version = await readVersion(api, AbortSignal.any([signal, AbortSignal.timeout(FIRST_LIMIT_MS)]));
  const who = await readIdentity(api, signal);
  const rights = policy.rights ?? NEEDED_RIGHTS;
  const meshGroups = NEEDED_RIGHTS.map(({ group }) => group);
  const groups = await readServed(api, [...rights.map(({ group }) => group), ...meshGroups], signal);
  const kinds: ServedKinds = new Map([...groups].map(([group, each]) => [group, each.kinds]));
  const versions: ServedVersions = new Map([...groups].map(([group, each]) => [group, each.versions]));
  const rules = rulesToReview(policy.rights, kinds, policy);
  const inNamespaces = await Promise.all(
    policy.allowedNamespaces.map((name) => examineNamespace(api, name, { rules, who, versions }, signal)),
  );
  const own = await Promise.all(
    ownObjects(config).map(async (object) => judgeOwnObject(object, await deniedVerbs(api, object, signal), who)),
  );
  const as = who === '' ? '' : `, as ${who}`;
  return [
    ok('kubernetes', 'kubernetes', `the API server answers, ${version}${as}`),
    ...own,
    ...judgeKinds(versions),
    ...inNamespaces.flat(),
  ];
}

interface Known {
  rules: readonly NeededRule[];
  who: string;
  versions: ServedVersions;
}

async function examineNamespace(
  api: KubeApi,
  name: string,
  { rules, who, versions }: Known,
  signal: AbortSignal,
): Promise<Check[]> {
  const facts = await readNamespace(api, name, signal);
  const asked = rules.map(({ group, resource, verb }) => ({ group, resource, verb }));
  const { denied } = await reviewAccess({ api, signal }, { kind: 'reviewAccess', namespace: name, rules: asked });
  const there = judgeNamespace(facts, denied.length < rules.length);
  if (there.state === 'fail') return [there];
  return [there, ...judgeRights(name, rules, denied, who), judgeMesh(facts, versions)];
}
