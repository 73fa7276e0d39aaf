/** Counts requests by the route that served them: its template, never the path that was asked. */

import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, gauge } from '../../shared/metrics.ts';
import type { Family } from '../../shared/metrics.ts';
import { ORCHESTRATOR_METRICS } from './catalogue.ts';

/** Lasts as long as somebody looks, which says nothing of us. */
const STREAM = /\/stream$/;

export class HttpMetrics {
  readonly #requests = new Counter(ORCHESTRATOR_METRICS.requests);
  readonly #seconds = new Histogram(ORCHESTRATOR_METRICS.requestSeconds);
  #streams = 0;

  follow(app: FastifyInstance): void {
    app.addHook('onRequest', (request, _reply, done) => {
      if (STREAM.test(request.routeOptions.url ?? '')) this.#streams += 1;
      done();
    });
    app.addHook('onResponse', (request, reply, done) => {
      const { url: route = 'other' } = request.routeOptions;
      this.#requests.add({ route, status: `${Math.floor(reply.statusCode / 100)}xx` });
      if (STREAM.test(route)) this.#streams -= 1;
      else this.#seconds.observe({ route }, reply.elapsedTime / 1000);
      done();
    });
  }

  read(): Family[] {
    return [this.#requests.read(), this.#seconds.read(), gauge(ORCHESTRATOR_METRICS.streams, this.#streams)];
  }
}
