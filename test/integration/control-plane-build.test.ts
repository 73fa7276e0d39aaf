import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { madeOnce } from '../cluster/cache.ts';
import { goProgram } from '../cluster/go-build.ts';
import { buildImage } from '../cluster/image.ts';
import { ProgressLines } from '../cluster/progress.ts';

const folders: string[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-build-'));
  folders.push(folder);
  process.env['SLUICE_CACHE'] = join(folder, 'cache');
});

afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true, force: true })));

test('what is made is whole or absent: a failed build leaves nothing, and the next one succeeds', async () => {
  const target = join(folder, 'thing');
  const failing = madeOnce(target, async (path) => {
    writeFileSync(path, 'half');
    throw new Error('no space');
  });
  await expect(failing).rejects.toThrow('no space');
  expect(readdirSync(folder)).toEqual(['thing.lock']);
  await madeOnce(target, async (path) => writeFileSync(path, 'whole'));
  expect(readFileSync(target, 'utf8')).toBe('whole');
});

test('a builder killed in the middle leaves nothing that looks whole, and its successor removes what it left', async () => {
  const builder = startBuilder(`writeFileSync(path, 'half'); console.log('half'); setInterval(() => {}, 1000);
    return new Promise(() => {});`);
  await once(builder.stdout, 'data');
  builder.kill('SIGKILL');
  await once(builder, 'exit');
  expect(existsSync(join(folder, 'thing'))).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes('unfinished'))).toHaveLength(1);
  await madeOnce(join(folder, 'thing'), async (path) => writeFileSync(path, 'whole'));
  expect(readdirSync(folder).sort()).toEqual(['thing', 'thing.lock']);
});

test('of builders at the same time one builds, and the others wait for what it makes', async () => {
  const source = `appendFileSync(join(folder, 'builds'), 'x'); await delay(300); writeFileSync(path, 'whole');`;
  const builders = [1, 2, 3].map(() => startBuilder(source));
  const codes = await Promise.all(builders.map(async (builder) => (await once(builder, 'exit'))[0] as number));
  expect(codes).toEqual([0, 0, 0]);
  expect(readFileSync(join(folder, 'builds'), 'utf8')).toBe('x');
  expect(readFileSync(join(folder, 'thing'), 'utf8')).toBe('whole');
});

test('a program is built again when its source changes, not when it does not, and says what is wrong with it', async () => {
  const source = join(folder, 'probe');
  cpSync(join(import.meta.dirname, '../cluster/pause'), source, { recursive: true });
  const lines: string[] = [];
  const progress = new ProgressLines({ isTerminal: false, write: (line) => void lines.push(line) });
  const build = (): Promise<string> => goProgram(source, progress);
  const first = await build();
  expect(await build()).toBe(first);
  expect(lines.filter((line) => line.startsWith('building probe ... done after')).length).toBe(1);
  writeFileSync(join(source, 'extra.go'), `package main\n\nvar extra = "${folder}"\n`);
  const second = await build();
  expect(second).not.toBe(first);
  writeFileSync(join(source, 'extra.go'), `package main\n\nvar extra = undefined // ${folder}\n`);
  await expect(build()).rejects.toThrow(/go build of probe .* failed:[^]*undefined: undefined/);
});

test('an image is made once for each content', async () => {
  const make = (content: string): Promise<string> =>
    buildImage({ name: 'sluice.test/once:1', files: { '/etc/content': Buffer.from(content) }, entrypoint: ['/x'] });
  const one = await make('one');
  const other = await make(folder);
  expect(await make('one')).toBe(one);
  expect(other).not.toBe(one);
});

test('without Go the message names what to do', async () => {
  const builder = startBuilder(
    `const { goProgram } = await import(${moduleUrl('go-build')});
     await goProgram(${JSON.stringify(join(import.meta.dirname, '../cluster/pause'))});`,
    { PATH: `${nodeFolder()}:${toolFolder(['sh', 'flock', 'cat'])}`, SLUICE_CACHE: folder },
  );
  let errors = '';
  builder.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await once(builder, 'close');
  expect(errors).toMatch(/no Go here.*Install Go 1\.26.*KUBECONFIG.*KUBEBUILDER_ASSETS/);
});

test('a missing package is named with the line that installs it, and SLUICE_NO_INSTALL is obeyed', async () => {
  const builder = startBuilder(
    `const { ensurePackages } = await import(${moduleUrl('packages')}); await ensurePackages(['prometheus']);`,
    { PATH: toolFolder(['sh', 'flock', 'cat']), SLUICE_NO_INSTALL: '1' },
  );
  let errors = '';
  builder.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await once(builder, 'close');
  expect(errors).toContain('apt-get install -y --no-install-recommends prometheus');
});

test.runIf(process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'))(
  'as root a missing package is installed, said first, and what it would start is not started',
  async () => {
    const tools = toolFolder(['sh', 'flock', 'cat', 'touch']);
    const hadPolicy = existsSync('/usr/sbin/policy-rc.d');
    // Stands for apt-get on a fresh machine: no index yet, so the first try fails.
    const aptGet = `#!/bin/sh
echo "$*" >>"${tools}/calls"
[ -x /usr/sbin/policy-rc.d ] || exit 3
[ "$1" = update ] && exec touch "${tools}/index"
[ -e "${tools}/index" ] && exec touch "${tools}/prometheus"
exit 100
`;
    writeFileSync(join(tools, 'apt-get'), aptGet, { mode: 0o755 });
    const builder = startBuilder(
      `const { ensurePackages } = await import(${moduleUrl('packages')}); await ensurePackages(['prometheus']);
       writeFileSync(path, '');`,
      { PATH: tools, SLUICE_NO_INSTALL: '' },
    );
    let said = '';
    builder.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(builder, 'close')) as [number];
    expect({ code, said }).toMatchObject({ code: 0 });
    const install = 'install -y --no-install-recommends prometheus';
    expect(said).toContain(`These packages are missing: prometheus. Installing: apt-get ${install}`);
    expect(readFileSync(join(tools, 'calls'), 'utf8')).toBe(`${install}\nupdate\n${install}\n`);
    expect(existsSync('/usr/sbin/policy-rc.d')).toBe(hadPolicy);
  },
);

/** Another process that makes `thing` in the folder by the body of an async function of `path`. */
function startBuilder(body: string, environment: Record<string, string> = {}) {
  const source = `
    const { appendFileSync, writeFileSync } = await import('node:fs');
    const { join } = await import('node:path');
    const { setTimeout: delay } = await import('node:timers/promises');
    const { madeOnce } = await import(${moduleUrl('cache')});
    const folder = ${JSON.stringify(folder)};
    await madeOnce(join(folder, 'thing'), async (path) => { ${body} });`;
  return spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
}

function moduleUrl(name: string): string {
  return JSON.stringify(join(import.meta.dirname, `../cluster/${name}.ts`));
}

function nodeFolder(): string {
  return join(process.execPath, '..');
}

/** A folder that has these programs and no others. */
function toolFolder(names: readonly string[]): string {
  const path = mkdtempSync(join(folder, 'tools-'));
  for (const name of names) {
    writeFileSync(join(path, name), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${name} "$@"\n`);
    chmodSync(join(path, name), 0o755);
  }
  return path;
}
