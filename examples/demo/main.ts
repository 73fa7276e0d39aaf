/** `npm run demo`. Node keeps what it compiles of it for the next time, which saves half a second before the first line. */

import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../../test/cluster/cache.ts';

enableCompileCache(join(cacheFolder(), 'compiled-by-node'));
await import('./demo.ts');
