/** Properties are tried with one seed, so that a run repeats; `SEED=n` tries others. A failure prints its own. */

import fc from 'fast-check';
import { seed } from './seed.ts';

fc.configureGlobal({ seed });
