/** Agents: which there are, whether each is connected, and a credential for a new one. */

import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { listAgents } from '../store/agents.ts';
import type { Api } from './api.ts';
import { HttpError } from './errors.ts';

const name = z.object({ name: z.string().min(1) });

export function agentRoutes(api: Api, { store, hub, addAgent, revokeAgent }: Services): void {
  api.get('/v1/agents', { schema: { summary: 'Every agent, the disconnected too.' } }, async () => {
    const agents = await listAgents(store);
    return { agents: agents.map((agent) => ({ ...agent, connected: hub.isConnected(agent.account) })) };
  });

  api.post(
    '/v1/agents',
    { schema: { summary: 'A credential for an account; an older one of it ends.', body: name } },
    async (request, reply) => reply.status(201).send({ credential: await addAgent(request.body.name) }),
  );

  api.delete(
    '/v1/agents/:name',
    { schema: { summary: 'Takes the credential away and ends the session.', params: name } },
    async (request, reply) => {
      const { name: account } = request.params;
      if (await revokeAgent(account)) return reply.status(204).send();
      throw new HttpError(404, 'NO_SUCH_AGENT', `There is no agent ${account}. List them with: sluice agents`);
    },
  );
}
