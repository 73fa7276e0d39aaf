/** `sluice deploy`: begins a deployment, and with --watch stays until it is over. */

import { showProblem, type FileWarning } from '../../orchestrator/file/problem.ts';
import type { CommandContext } from '../context.ts';
import { readContext } from '../context-variables.ts';
import { EXIT } from '../exit-code.ts';
import { watchDeployment } from '../watch-deployment.ts';
import { collect } from './validate.ts';

export interface DeployOptions {
  file: string;
  watch?: boolean;
  exitWhenStalled?: boolean;
  application?: string;
  addContext?: string[];
}

interface Begun {
  id: string;
  application: string;
  warnings: FileWarning[];
}

export async function deploy(context: CommandContext, options: DeployOptions): Promise<number> {
  const { api, out, by } = context;
  const { name, text, files } = await collect(options.file);
  const { application } = options;
  const begun = await api.post<Begun>('/v1/deployments', {
    file: { name, text },
    files,
    by,
    context: readContext(options.addContext ?? []),
    ...(application === undefined ? {} : { application }),
  });
  if (out.json) out.value(begun);
  else {
    for (const warning of begun.warnings) out.note(`warning: ${showProblem(warning)}`);
    out.line(`Deployment ${begun.id} of ${begun.application} has begun.`);
  }
  const { watch = false, exitWhenStalled } = options;
  if (watch) return watchDeployment(context, begun.id, { isKnown: true, exitWhenStalled });
  if (!out.json) out.line(`Watch it: sluice watch ${begun.id}`);
  return EXIT.succeeded;
}
