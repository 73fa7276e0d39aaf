/** Keeps web pages out of an API on loopback: whoever browses on this machine runs other people's scripts on it. */

import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../config.ts';
import { HttpError } from './errors.ts';

/**
 * A page reaches 127.0.0.1 in two ways: it sends a request across sites, which the browser marks, or it has its own name
 * resolve to 127.0.0.1, and then that name is in `Host`. Programs do neither.
 */
export function refuseBrowsersOfElsewhere(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const site = request.headers['sec-fetch-site'];
    const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (!isForeign && isLoopback(hostNameOf(request.headers.host ?? 'localhost'))) done();
    else
      done(
        new HttpError(
          403,
          'FOREIGN_ORIGIN',
          'This API without a token answers this machine only, under a loopback name and not to web pages of elsewhere: use http://127.0.0.1, or serve it beyond loopback with its token.',
        ),
      );
  });
}

/** `[::1]:8080` -> `::1` */
function hostNameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
