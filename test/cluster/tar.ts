/** Writes tar archives that depend on nothing but their content: no times, no owners. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** One member of an archive; a folder has neither content nor link. */
export interface Entry {
  /** Without a leading slash. */
  path: string;
  mode: number;
  content?: Buffer;
  /** The target, if it is a symbolic link. */
  link?: string;
}

/** The archive, in pieces (a big one is never copied into one buffer). Folders above an entry are added. */
export function tar(entries: readonly Entry[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (const entry of withFolders(entries)) {
    const type = entry.content !== undefined ? '0' : entry.link !== undefined ? '2' : '5';
    const path = type === '5' ? `${entry.path}/` : entry.path;
    if (Buffer.byteLength(path) > 100) pieces.push(...longName(path, 'L'));
    if (entry.link !== undefined && Buffer.byteLength(entry.link) > 100) pieces.push(...longName(entry.link, 'K'));
    const content = entry.content ?? Buffer.alloc(0);
    pieces.push(header(path, entry.mode, content.length, type, entry.link), content, padding(content.length));
  }
  pieces.push(Buffer.alloc(1024));
  return pieces;
}

/** A host file, or a folder and all in it, as entries at `path`. Modes and symbolic links are kept. */
export async function entriesOf(source: string, path: string, mode?: number): Promise<Entry[]> {
  const status = await lstat(source);
  if (status.isSymbolicLink()) return [{ path, mode: 0o777, link: await readlink(source) }];
  if (status.isFile()) return [{ path, mode: mode ?? status.mode & 0o777, content: await readFile(source) }];
  if (!status.isDirectory()) return [];
  const names = (await readdir(source)).sort();
  const inner = await Promise.all(names.map((name) => entriesOf(join(source, name), `${path}/${name}`)));
  return [{ path, mode: 0o755 }, ...inner.flat()];
}

function withFolders(entries: readonly Entry[]): Entry[] {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!all.has(path)) all.set(path, { path, mode: 0o755 });
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** The GNU way to say a name of more than 100 bytes: a member of its own before the one it names. */
function longName(name: string, type: 'L' | 'K'): Buffer[] {
  const content = Buffer.from(`${name}\0`);
  return [header('././@LongLink', 0o644, content.length, type), content, padding(content.length)];
}

function header(path: string, mode: number, size: number, type: string, link = ''): Buffer {
  const block = Buffer.alloc(512);
  block.write(path, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write('        ', 148); // The checksum counts itself as spaces.
  block.write(type, 156);
  block.write(link, 157, 100);
  block.write('ustar  \0', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}
