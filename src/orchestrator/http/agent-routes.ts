/** Agents: which there are, whether each is connected, and a credential for a new one. */

import { z } from 'zod';
import type { Services } from '../orchestrator.ts';
import { listAgents } from '../store/agents.ts';
import { agent, answer, credential, invitation, refusals } from './answers.ts';
import type { Api } from './api.ts';
import { HttpError } from './errors.ts';

const name = z.object({ name: z.string().min(1) });

const list = {
  operationId: 'listAgents',
  summary: 'Every agent, the disconnected too.',
  tags: ['agents'],
  response: { 200: answer('By account.', z.object({ agents: z.array(agent) })), ...refusals({}) },
};

const add = {
  operationId: 'addAgent',
  summary: 'A credential for an account in one file, without enrolment; an older one of it ends.',
  tags: ['agents'],
  body: name,
  response: {
    201: answer('The only time it is shown.', z.object({ credential })),
    ...refusals({ 400: ['INVALID_REQUEST', 'INVALID_ACCOUNT'] }),
  },
};

const invite = {
  operationId: 'inviteAgent',
  summary:
    'A join token for an account; one that was not used ends. The credential it has counts until this one is used.',
  tags: ['agents'],
  params: name,
  response: {
    201: answer('The only time it is shown.', invitation),
    ...refusals({ 400: ['INVALID_REQUEST', 'INVALID_ACCOUNT'] }),
  },
};

const addToken = {
  operationId: 'addAgentToken',
  summary: 'A further token, where a proxy ends TLS: two count, so of those the account has the newer stays.',
  tags: ['agents'],
  params: name,
  response: {
    201: answer('The only time it is shown.', z.object({ credential })),
    ...refusals({ 400: ['INVALID_REQUEST', 'TOKENS_NOT_HEARD'], 404: ['NO_SUCH_AGENT'] }),
  },
};

const revokeOlder = {
  operationId: 'revokeOlderAgentToken',
  summary: 'Leaves an account its newest token alone. A session that runs by the other one ends when it is made anew.',
  tags: ['agents'],
  params: name,
  response: {
    204: z.undefined().describe('It no longer counts.'),
    ...refusals({ 400: ['INVALID_REQUEST'], 404: ['NO_SUCH_AGENT'] }),
  },
};

const revoke = {
  operationId: 'revokeAgent',
  summary: 'Takes the credential away and ends the session.',
  tags: ['agents'],
  params: name,
  response: {
    204: z.undefined().describe('It no longer counts.'),
    ...refusals({ 400: ['INVALID_REQUEST'], 404: ['NO_SUCH_AGENT'] }),
  },
};

const config = { access: 'administer' } as const;

export function agentRoutes(api: Api, { store, hub, office, addAgent }: Services): void {
  api.get('/v1/agents', { schema: list, config: { access: 'read' } }, async () => {
    const agents = await listAgents(store);
    return { agents: agents.map((row) => ({ ...row, connected: hub.isConnected(row.account) })) };
  });

  api.post('/v1/agents', { schema: add, config }, async (request, reply) =>
    reply.status(201).send({ credential: await addAgent(request.body.name) }),
  );

  api.post('/v1/agents/:name/join-tokens', { schema: invite, config }, async (request, reply) => {
    const invited = await office.invite(request.params.name);
    return reply.status(201).send(invited);
  });

  api.post('/v1/agents/:name/tokens', { schema: addToken, config }, async (request, reply) =>
    reply.status(201).send({ credential: await office.addToken(request.params.name) }),
  );

  api.delete('/v1/agents/:name/tokens/older', { schema: revokeOlder, config }, async (request, reply) => {
    await office.enrolment.revokeOlderToken(request.params.name);
    return reply.status(204).send();
  });

  api.delete('/v1/agents/:name', { schema: revoke, config }, async (request, reply) => {
    const { name: account } = request.params;
    if (await office.revokeAgent(account)) return reply.status(204).send();
    throw new HttpError(404, 'NO_SUCH_AGENT', `There is no agent ${account}. List them with: sluice agents`);
  });
}
