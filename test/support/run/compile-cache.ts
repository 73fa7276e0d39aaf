/** Keeps what Node compiles of our programs from one start to the next: a test run starts hundreds, and each start costs half of it. */

import { join } from 'node:path';
import { cacheFolder } from '../../cluster/cache.ts';

/** For Vitest as a global setup, and for the demo: what is started from here on inherits it. */
export function setup(): void {
  process.env['NODE_COMPILE_CACHE'] = join(cacheFolder(), 'compiled-by-node');
}
