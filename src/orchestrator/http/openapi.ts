/** /openapi.json: made of the same schemas that check requests and write answers, so it cannot say anything else. */

import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { LEAST_ROLE, type Access } from './permission.ts';

const description = `Progressive delivery for Kubernetes.

On loopback no token is asked for, and nobody but programs of this machine is answered. Beyond it every request but the probes carries \`Authorization: Bearer TOKEN\`; each operation says which role it takes (viewer, deployer, approver, admin: each may what those before it may).
Every refusal has the form of \`Error\`. \`/v1/deployments/{id}/stream\` is server-sent events: each message is a \`StreamMessage\`.`;

/** Call it before the routes are made. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sluice', version: '1', description },
      tags: [
        { name: 'deployments', description: 'Begin one, look at it, approve it, stop it.' },
        { name: 'agents', description: 'Who works in the clusters.' },
        { name: 'access', description: 'Tokens of the API, and what was done with them.' },
        { name: 'health', description: 'Of the orchestrator.' },
      ],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }, {}],
    },
    transform: (route) => withRole(route.route.config?.access, jsonSchemaTransform(route)),
    transformObject: (document) => withoutInputs(jsonSchemaTransformObject(document)),
  });
}

/** Who may, as it is declared where the route is. */
function withRole<T extends { schema: FastifySchema }>(access: Access | undefined, described: T): T {
  if (access === undefined || access === 'open') return described;
  const { description } = described.schema;
  const role = `Role: ${LEAST_ROLE[access]}.`;
  return {
    ...described,
    schema: { ...described.schema, description: description === undefined ? role : `${description} ${role}` },
  };
}

/** What is answered is nowhere asked for, so its form as an input is of no use. */
function withoutInputs<T extends object>(document: T): T {
  const { components = {} } = document as { components?: { schemas?: Record<string, unknown> } };
  const schemas = Object.fromEntries(
    Object.entries(components.schemas ?? {}).filter(([name]) => !name.endsWith('Input')),
  );
  return { ...document, components: { ...components, schemas } };
}
