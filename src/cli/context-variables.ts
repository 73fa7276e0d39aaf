/** Context variables as they are given on the command line. */

import { EXIT, Exit } from './exit-code.ts';

/** `a=1,b=2`, any number of times. */
export function readContext(given: string[]): Record<string, string> {
  const pairs = given.flatMap((text) => text.split(',')).filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair): [string, string] => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Exit(EXIT.invalid, `--add-context ${pair}: must be KEY=VALUE, several with commas between`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
