/** The addresses that the orchestrator serves, and the metrics that it asks, as checks. Pure. */

import { fail, ok, warn } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';

/**
 * `ours`: an orchestrator answers. `free`: nothing listens. `foreign`: something else does. `open`: something does, and it was
 * not asked what it is. `unknown`: the host of the address is not one of this machine's.
 */
export type PortState = 'ours' | 'free' | 'foreign' | 'open' | 'unknown';

export interface ServingFacts {
  api: { address: string; state: PortState };
  agents: { address: string; state: PortState };
  /** As agents reach it; undefined: not set. */
  publicAddress: string | undefined;
  isAgentsLoopback: boolean;
}

export function judgeServing({ api, agents, publicAddress, isAgentsLoopback }: ServingFacts): Check[] {
  return [
    portCheck('api', 'API', api, 'SLUICE_API_ADDRESS'),
    // The API alone says whose it is: both are one process's.
    portCheck(
      'agents',
      "agents' port",
      agents.state === 'open' ? { ...agents, state: api.state === 'ours' ? 'ours' : 'foreign' } : agents,
      'SLUICE_AGENT_ADDRESS',
    ),
    reachCheck(agents.address, publicAddress, isAgentsLoopback),
  ];
}

function portCheck(
  id: string,
  title: string,
  { address, state }: { address: string; state: PortState },
  setting: string,
): Check {
  switch (state) {
    case 'ours':
      return ok(id, title, `an orchestrator serves ${address}`);
    case 'free':
      return ok(id, title, `${address} is free: no orchestrator runs`);
    case 'unknown':
      return fail(
        id,
        title,
        `${address} is no address of this machine`,
        `Set ${setting} to one, or to 0.0.0.0:PORT for all of them.`,
      );
    case 'open':
    case 'foreign':
      return fail(id, title, `another program serves ${address}`, `End it, or set ${setting} to a free one.`);
  }
}

function reachCheck(address: string, publicAddress: string | undefined, isLoopback: boolean): Check {
  const id = 'agents-reach';
  const title = "agents' way here";
  if (publicAddress !== undefined) return ok(id, title, `agents are told ${publicAddress}`);
  if (!isLoopback) {
    const isAny = /^(0\.0\.0\.0|\[::\]):/.test(address);
    if (!isAny) return ok(id, title, `agents are told ${address}`);
    const hint =
      'Set SLUICE_AGENT_PUBLIC_ADDRESS to host:port as agents reach it; it is written into their credentials.';
    return warn(id, title, `agents are told ${address}, which is no address to dial`, hint);
  }
  const hint =
    'Serve agents at an address that a cluster reaches (SLUICE_AGENT_ADDRESS), and say it (SLUICE_AGENT_PUBLIC_ADDRESS).';
  return warn(id, title, `${address} is reached from this machine alone: no agent in a cluster can connect`, hint);
}

export interface ProviderFacts {
  name: string;
  /** Why it does not serve; undefined: it does. */
  fault: string | undefined;
}

export function judgeProviders(providers: readonly ProviderFacts[]): Check[] {
  if (providers.length === 0) return [ok('metrics', 'metrics', 'no provider is configured')];
  return providers.map(({ name, fault }) => {
    const id = `metrics/${name}`;
    const title = `metrics ${name}`;
    if (fault === undefined) return ok(id, title, 'it answers queries');
    const hint = `Correct its URL in SLUICE_METRIC_PROVIDERS, or let this machine reach it: every analysis with it is inconclusive.`;
    return fail(id, title, fault, hint);
  });
}
