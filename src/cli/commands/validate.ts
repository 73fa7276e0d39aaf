/** `sluice validate`: checks a deployment file and its manifests, without an orchestrator. */

import { collectFiles } from '../../orchestrator/file/collect-files.ts';
import { showProblem } from '../../orchestrator/file/problem.ts';
import { readDeploymentFile } from '../../orchestrator/file/read-deployment-file.ts';
import { codeOf, messageOf } from '../../shared/errors.ts';
import type { CommandContext } from '../context.ts';
import { readContext } from '../context-variables.ts';
import { EXIT, Exit } from '../exit-code.ts';

export interface ValidateOptions {
  file: string;
  application?: string;
  addContext?: string[];
}

export async function validate({ out }: CommandContext, options: ValidateOptions): Promise<number> {
  const { name, text, files } = await collect(options.file);
  const { application, addContext = [] } = options;
  const read = readDeploymentFile(text, name, files, { application, context: readContext(addContext) });
  if (out.json) out.value(read.ok ? { ok: true, warnings: read.warnings } : read);
  else if (!read.ok) for (const problem of read.problems) out.note(showProblem(problem));
  else {
    for (const warning of read.warnings) out.note(`warning: ${showProblem(warning)}`);
    out.line(
      `${name} is valid: ${read.file.application}, ${read.file.targets.map((target) => target.name).join(', ')}`,
    );
  }
  return read.ok ? EXIT.succeeded : EXIT.invalid;
}

const WHY: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder; give the deployment file in it',
};

/** @throws Exit when the file cannot be read. */
export async function collect(path: string): ReturnType<typeof collectFiles> {
  try {
    return await collectFiles(path);
  } catch (error) {
    const said = WHY[codeOf(error) ?? ''];
    throw new Exit(EXIT.invalid, `${path}: ${said ?? `cannot be read: ${messageOf(error)}`}`);
  }
}
