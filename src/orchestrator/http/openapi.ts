/** /openapi.json: made of the same schemas that check requests and write answers, so it cannot say anything else. */

import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

const description = `Progressive delivery for Kubernetes.

On loopback no token is asked for, and nobody but programs of this machine is answered. Beyond it every request but the probes carries \`Authorization: Bearer TOKEN\`.
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
        { name: 'health', description: 'Of the orchestrator.' },
      ],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }, {}],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutInputs(jsonSchemaTransformObject(document)),
  });
}

/** What is answered is nowhere asked for, so its form as an input is of no use. */
function withoutInputs<T extends object>(document: T): T {
  const { components = {} } = document as { components?: { schemas?: Record<string, unknown> } };
  const schemas = Object.fromEntries(
    Object.entries(components.schemas ?? {}).filter(([name]) => !name.endsWith('Input')),
  );
  return { ...document, components: { ...components, schemas } };
}
