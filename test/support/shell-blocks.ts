/** What the pages tell people to type. */

/** The blocks for a shell (```sh), as they stand. */
export function shellBlocks(page: string): string[] {
  return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** Their lines; one that a backslash carries on is one. */
export function shellLines(page: string): string[] {
  return shellBlocks(page).flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
}

/** A line's words, with `'...'` as one. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
