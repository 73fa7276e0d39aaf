/** The HTTP API: JSON with OpenAPI, and server-sent events for what happens live. CLI and page use it and nothing else. */

import { fastify } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Address } from '../config.ts';
import { formatAddress, isLoopback } from '../config.ts';
import type { Services } from '../orchestrator.ts';
import { SluiceError } from '../../shared/errors.ts';
import { agentRoutes } from './agent-routes.ts';
import { alertRoutes } from './alert-routes.ts';
import { requireToken } from './api-token.ts';
import { deploymentRoutes } from './deployment-routes.ts';
import { answerError, notFound } from './errors.ts';
import { describeApi } from './openapi.ts';
import { healthRoutes } from './health-routes.ts';
import { refuseBrowsersOfElsewhere } from './loopback-guard.ts';
import { streamRoutes } from './stream-routes.ts';

/** Manifests of one deployment; etcd itself takes 1.5 MB an object. */
const BODY_LIMIT = 8 * 1024 * 1024;

export interface HttpOptions {
  address: Address;
  /** Where the API token is kept. */
  dataDir: string;
  services: Services;
}

export interface HttpServer {
  /** `http://host:port` */
  url: string;
  stop(): Promise<void>;
}

/** @throws SluiceError ADDRESS_IN_USE. */
export async function startHttp({ address, dataDir, services }: HttpOptions): Promise<HttpServer> {
  const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true, routerOptions: { maxParamLength: 200 } });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError(services.log));
  app.setNotFoundHandler(notFound);
  // A request without a body is one that says nothing more: `curl -X POST .../abort` is enough.
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.method === 'POST') request.body ??= {};
    done();
  });
  await describeApi(app);
  // On loopback whoever can connect is on this machine already, or is a page in a browser on it.
  if (isLoopback(address.host)) refuseBrowsersOfElsewhere(app);
  else await requireToken(app, dataDir, services.log);
  const api = app.withTypeProvider<ZodTypeProvider>();
  await api.register((scope, _options, done) => {
    healthRoutes(scope, services);
    deploymentRoutes(scope, services);
    streamRoutes(scope, services);
    agentRoutes(scope, services);
    alertRoutes(scope, services);
    scope.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
    done();
  });
  await listen(app, address);
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { url: `http://${formatAddress({ ...address, port })}`, stop: () => app.close() };
}

async function listen(app: { listen(address: Address): Promise<string> }, address: Address): Promise<void> {
  try {
    await app.listen(address);
  } catch (cause) {
    throw new SluiceError(
      'ADDRESS_IN_USE',
      `The API cannot be served at ${formatAddress(address)}: set SLUICE_API_ADDRESS to one that is free.`,
      { cause, disposition: 'stalled' },
    );
  }
}
