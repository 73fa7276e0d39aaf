/** The HTTP API: JSON with OpenAPI, and server-sent events for what happens live. CLI and page use it and nothing else. */

import { Server as TlsServer } from 'node:tls';
import { fastify, type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Address, ApiConfig } from '../config.ts';
import { formatAddress } from '../config.ts';
import type { Services } from '../orchestrator.ts';
import type { Authority } from '../security/authority.ts';
import { SluiceError } from '../../shared/errors.ts';
import { openApiCertificate, type ApiCertificate } from './api-certificate.ts';
import { readOrMakeToken } from './api-token.ts';
import { authenticate } from './authenticate.ts';
import { answerError, BODY_LIMIT, notFound } from './errors.ts';
import { describeApi } from './openapi.ts';
import { refuseBrowsersOfElsewhere } from './loopback-guard.ts';
import { recordChanges } from './record-changes.ts';
import { makeRoutes } from './routes.ts';
import { TokenBook } from './token-book.ts';

/** To send a request; what is answered may take as long as a deployment. */
const REQUEST_TIMEOUT_MS = 60_000;

export interface HttpOptions {
  api: ApiConfig;
  /** What the API is called, for its certificate. */
  names: readonly string[];
  /** Where the first token is kept, and `ca/trusted.crt`. */
  dataDir: string;
  authority: Pick<Authority, 'ca' | 'serverFor' | 'onChange'>;
  services: Services;
}

export interface HttpServer {
  /** `https://host:port`; `http` where it has no TLS. */
  url: string;
  /** PEM, as it is served now; undefined: no TLS. */
  certificate(): string | undefined;
  stop(): Promise<void>;
}

/** @throws SluiceError ADDRESS_IN_USE, API_CERTIFICATE. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { api, names, dataDir, authority, services } = options;
  const { store, clock, log } = services;
  const certificate = await openApiCertificate({ tls: api.tls, authority, names, dataDir, clock, log });
  const own = api.requiresToken ? await readOrMakeToken(dataDir) : undefined;
  const book = await TokenBook.open({ store, clock, log, own });
  const app = makeApp(certificate);
  app.setErrorHandler(answerError(log));
  await describeApi(app);
  // On loopback whoever can connect is on this machine already, or is a page in a browser on it.
  if (!api.requiresToken) refuseBrowsersOfElsewhere(app);
  services.metrics.http.follow(app);
  authenticate(app, { book, trustsLocal: !api.requiresToken, clock, log });
  recordChanges(app, store, log);
  await makeRoutes(app, services, book);
  await listen(app, api.address);
  let served = certificate?.pair.cert;
  const unfollow = certificate?.follow(({ cert, key }) => {
    served = cert;
    if (app.server instanceof TlsServer) app.server.setSecureContext({ cert, key, minVersion: OLDEST_TLS });
  });
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : api.address.port;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://${formatAddress({ ...api.address, port })}`,
    certificate: () => served,
    stop: async () => {
      unfollow?.();
      book.close();
      await app.close();
    },
  };
}

const OLDEST_TLS = 'TLSv1.2';

function makeApp(certificate: ApiCertificate | undefined): FastifyInstance {
  const options = {
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  };
  // Of a server with TLS the type is another one, and routes do not care.
  const app =
    certificate === undefined
      ? fastify(options)
      : (fastify({
          ...options,
          https: { ...certificate.pair, minVersion: OLDEST_TLS },
        }) as unknown as FastifyInstance);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setNotFoundHandler(notFound);
  // A request without a body is one that says nothing more: `curl -X POST .../abort` is enough.
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.method === 'POST') request.body ??= {};
    done();
  });
  return app;
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
