/** `sluice up`: an orchestrator on this machine in the foreground, and the way from there to the first agent. */

import { existsSync } from 'node:fs';
import { homedir, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf } from '../../shared/errors.ts';
import { apiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { Output } from '../output.ts';
import { planUp, readLogLine, tell } from '../up-plan.ts';
import type { LogLine, UpFlags, UpPlan } from '../up-plan.ts';
import { inviteAgent } from './enrol.ts';
import { startProgram } from '../run-program.ts';

export type { UpFlags };

interface Agent {
  account: string;
  revokedAt: string | null;
  connectedAt: string | null;
}

/** @returns the orchestrator's exit code. */
export async function up(context: CommandContext, flags: UpFlags): Promise<number> {
  const { out } = context;
  const plan = planUp(flags, homedir(), networkInterfaces());
  const isKnown = existsSync(join(plan.dataDir, 'postgres'));
  out.line(
    isKnown
      ? `Starting Sluice with the data in ${plan.dataDir} ...`
      : `Starting Sluice; its data goes to ${plan.dataDir} ...`,
  );
  const { child, ended } = startProgram(context, 'orchestrator', { settings: plan.settings, stdout: 'pipe' });
  // A pipe, as asked for.
  const lines = createInterface({ input: child.stdout as Readable });
  for await (const raw of lines) {
    const line = readLogLine(raw);
    if (line?.msg === 'orchestrator is ready') await greet(context, flags, plan, line);
    else say(out, raw, line, flags.verbose === true);
  }
  const code = await ended;
  if (code === 0) out.line('Stopped. Its data stays: `sluice up` goes on with it.');
  return code === 0 ? EXIT.succeeded : EXIT.error;
}

function say(out: Output, raw: string, line: LogLine | undefined, verbose: boolean): void {
  const said = line === undefined ? raw : tell(line, verbose);
  if (said === undefined) return;
  if (line?.level === 'info') out.line(said);
  else out.note(said);
}

/** Says where everything is, and what comes next. Never rejects: the orchestrator serves, whatever cannot be said. */
async function greet(context: CommandContext, flags: UpFlags, plan: UpPlan, { api: url }: LogLine): Promise<void> {
  const { out, signal } = context;
  const api = apiClient({ url: String(url) }, signal);
  out.line(`
Sluice is up.

  API     ${api.url}  (from this machine alone; no token is asked for)
  Agents  ${plan.address}  (${plan.why})
  Data    ${plan.dataDir}
`);
  try {
    const { agents } = await api.get<{ agents: Agent[] }>('/v1/agents');
    const known = agents.filter(({ revokedAt, connectedAt }) => revokedAt === null && connectedAt !== null);
    if (known.length > 0) {
      const names = known.map(({ account }) => account).join(', ');
      out.line(`Agents of before come back by themselves: ${names}. Another one: sluice agents add NAME`);
    } else await inviteAgent({ ...context, api }, flags.agent, { namespaces: flags.namespaces });
    out.line(next(api.url, known.length > 0));
  } catch (error) {
    if (!signal.aborted) out.note(`warn: ${messageOf(error)}`);
  }
}

function next(url: string, hasAgent: boolean): string {
  const server = url === 'http://127.0.0.1:8080' ? '' : ` --server ${url}`;
  return `
Next, in another terminal:

  sluice agents${server}               ${hasAgent ? 'which are there' : 'whether it is connected'}
  sluice deploy${server} -f FILE --watch

Ctrl-C stops it.
`;
}
