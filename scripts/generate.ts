/** Makes the TypeScript types and the run-time description of the wire from the proto file; a test keeps them equal to it. */

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PROTO = 'sluice/agent/v1/agent.proto';

/** What types and run time have to agree on; `src/protocol/service.ts` loads with the same. */
const FLAGS = [
  '--longs=Number',
  '--enums=String',
  '--defaults',
  '--oneofs',
  '--grpcLib=@grpc/grpc-js',
  '--importFileExtension=.ts',
  '--includeComments',
];

/** Writes types and `descriptor.json` into `outFolder`, replacing what is there. */
export function generateProtocol(outFolder: string): void {
  rmSync(outFolder, { recursive: true, force: true });
  execFileSync(
    process.execPath,
    [
      join(root, 'node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js'),
      ...FLAGS,
      `--includeDirs=${join(root, 'proto')}`,
      `--outDir=${outFolder}`,
      PROTO,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  for (const name of readdirSync(outFolder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const path = join(outFolder, name);
    // The generator writes the absolute path of this machine.
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(join(root, 'proto'), 'proto'));
  }
  writeFileSync(join(outFolder, 'descriptor.json'), `${JSON.stringify(describe(), null, 1)}\n`);
}

/** The proto file as JSON: the run time loads this, so that a bundle needs no file beside it. */
function describe(): unknown {
  // proto-loader's own protobufjs, so that parser and loader are one version.
  const load = createRequire(createRequire(import.meta.url).resolve('@grpc/proto-loader'));
  const protobuf = load('protobufjs') as { loadSync(path: string): { toJSON(): unknown } };
  return protobuf.loadSync(join(root, 'proto', PROTO)).toJSON();
}

if (import.meta.main) generateProtocol(join(root, 'src/protocol/gen'));
