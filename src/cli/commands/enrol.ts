/** `sluice agents add`: a join token, in the words with which an agent is installed. And the tokens of one behind a proxy. */

import { writeFile } from 'node:fs/promises';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { addressDoubt, installLine, manifestPathOf, tokenManifest, valuesFile } from '../install-plan.ts';
import type { Invitation } from '../install-plan.ts';
import { writePrivately } from '../write-privately.ts';

export interface AddFlags {
  namespaces?: string;
  values?: string;
  chart?: string;
  image?: string;
}

export async function inviteAgent({ api, out }: CommandContext, name: string, flags: AddFlags): Promise<number> {
  const { values, chart, image } = flags;
  const namespaces = flags.namespaces?.split(',').map((each) => each.trim());
  const options = { namespaces, chart, image };
  const invite = (): Promise<Invitation> => api.post(`/v1/agents/${encodeURIComponent(name)}/join-tokens`, {});
  if (values !== undefined) return toFiles(out, values, invite, options);
  const invitation = await invite();
  if (out.json) {
    out.value({ ...invitation, install: installLine(invitation, options) });
    return EXIT.succeeded;
  }
  out.note(`In the cluster that is to be ${name}, with kubectl pointing at it:`);
  out.note('');
  out.line(installLine(invitation, options));
  out.note('');
  if (namespaces === undefined) out.note('YOUR-NAMESPACE: the namespaces it may deploy to, with commas between.');
  out.note(
    `Its token counts once, until ${localTime(invitation.expiresAt)}. The agent will look for the orchestrator at`,
  );
  out.note(
    `${invitation.server}: that address must be reachable from the cluster. Then it is listed by: sluice agents`,
  );
  const doubt = addressDoubt(invitation.server);
  if (doubt !== undefined) out.note(`\n${doubt}`);
  return EXIT.succeeded;
}

async function toFiles(
  out: CommandContext['out'],
  values: string,
  invite: () => Promise<Invitation>,
  options: Parameters<typeof valuesFile>[1],
): Promise<number> {
  const manifest = manifestPathOf(values);
  let invitation: Invitation | undefined;
  await writePrivately(manifest, async () => {
    invitation = await invite();
    return tokenManifest(invitation);
  });
  if (!invitation) return EXIT.failed;
  await writeFile(values, valuesFile(invitation, options));
  const { account, expiresAt } = invitation;
  if (out.json) out.value({ account, expiresAt, values, manifest });
  else {
    out.line(
      `${values} has the values, ${manifest} the Secret with the join token (counts once, until ${localTime(expiresAt)}).`,
    );
    out.line('Commit the first; seal the second, or apply it by hand:');
    out.line(`  kubectl create namespace sluice && kubectl apply -f ${manifest}`);
    out.line(`  helm install sluice-agent ${options.chart ?? invitation.chart} --namespace sluice --values ${values}`);
  }
  return EXIT.succeeded;
}

export interface TokenFlags {
  out?: string;
  revokeOld?: boolean;
}

export async function agentToken({ api, out }: CommandContext, name: string, flags: TokenFlags): Promise<number> {
  const path = `/v1/agents/${encodeURIComponent(name)}/tokens`;
  if (flags.revokeOld === true) {
    await api.remove(`${path}/older`);
    if (out.json) out.value({ account: name, tokens: 1 });
    else out.line(`Of ${name} the newest token alone counts now.`);
    return EXIT.succeeded;
  }
  const make = async (): Promise<string> => {
    const { credential } = await api.post<{ credential: unknown }>(path, {});
    return `${JSON.stringify(credential, null, 2)}\n`;
  };
  if (flags.out === undefined) {
    out.raw(await make());
    return EXIT.succeeded;
  }
  await writePrivately(flags.out, make);
  if (out.json) out.value({ account: name, file: flags.out });
  else {
    out.line(`The new token of ${name} is in ${flags.out}; the one before counts too, one before that no more.`);
    out.line(`Once the agent has it: sluice agents token ${name} --revoke-old`);
  }
  return EXIT.succeeded;
}

function localTime(iso: string): string {
  return iso.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC');
}
