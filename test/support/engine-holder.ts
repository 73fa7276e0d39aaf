/** A process that runs workflows on the store in a folder and says what they do, one word a line, until it is killed. */

import { Engine } from '../../src/orchestrator/engine/engine.ts';
import { openStore } from '../../src/orchestrator/store/store.ts';
import { silentLog } from '../../src/shared/log.ts';

const [folder = '', ...ids] = process.argv.slice(2);
const say = (word: string): boolean => process.stdout.write(`${word}\n`);

const store = await openStore({ dataDir: folder, log: silentLog });
const engine = new Engine({ store, log: silentLog });

engine.register('waits', async (name: string) => {
  const first = await engine.step('first', async () => {
    say(`${name}:first`);
    return 1;
  });
  await engine.step('wait', async () => {
    say(`${name}:wait`);
    if (name !== 'quick' && !process.env['GO_ON']) await new Promise(() => {});
  });
  await engine.step('last', async () => say(`${name}:last`));
  await engine.step('done', async () => say(`${name}:done`));
  return `${name}-${first}`;
});

engine.register('parent', async (names: string[]) => {
  const ends = await Promise.all(names.map((name) => engine.child<string>('waits', `child-${name}`, name)));
  say(`parent:${ends.join('+')}`);
  return ends;
});

await engine.launch();
say('launched');
if (ids.length > 0) await engine.start('parent', 'parent-1', ids);
setInterval(() => {}, 60_000);
