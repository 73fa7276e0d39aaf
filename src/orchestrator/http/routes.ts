/** Every route of the API. Each says who may ask (`config.access`); a test holds it to that. */

import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Services } from '../orchestrator.ts';
import { agentRoutes } from './agent-routes.ts';
import { alertRoutes } from './alert-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { caRoutes } from './ca-routes.ts';
import { deploymentRoutes } from './deployment-routes.ts';
import { healthRoutes } from './health-routes.ts';
import { statusRoutes } from './status-routes.ts';
import { streamRoutes } from './stream-routes.ts';
import type { TokenBook } from './token-book.ts';
import { tokenRoutes } from './token-routes.ts';

export async function makeRoutes(app: FastifyInstance, services: Services, book: TokenBook): Promise<void> {
  const api = app.withTypeProvider<ZodTypeProvider>();
  await api.register((scope, _options, done) => {
    healthRoutes(scope, services);
    statusRoutes(scope, services);
    deploymentRoutes(scope, services);
    streamRoutes(scope, services);
    agentRoutes(scope, services);
    caRoutes(scope, services);
    alertRoutes(scope, services);
    tokenRoutes(scope, services, book);
    auditRoutes(scope, services);
    scope.get('/openapi.json', { schema: { hide: true }, config: { access: 'read' } }, () => app.swagger());
    done();
  });
}
