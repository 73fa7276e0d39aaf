/** What any file must be answered with, however it is damaged. */

import { showProblem, type FileProblem } from '../../../src/orchestrator/file/problem.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';
import { files as goodFiles } from './good-file.ts';

const name = 'deploy.yaml';

/** What is wrong with the answer to a file. */
export function complaints(damaged: string, files: Record<string, string> = goodFiles): string[] {
  const read = readDeploymentFile(damaged, name, files);
  const problems = read.ok ? read.warnings : read.problems;
  const texts = new Map(Object.entries(files)).set(name, damaged);
  const ofFile = problems.filter(({ file }) => file === name);
  return [
    !read.ok && problems.length === 0 ? 'refused without a word' : [],
    JSON.stringify(readDeploymentFile(damaged, name, files)) === JSON.stringify(read) ? [] : 'another answer',
    ofFile.some(({ line }, index) => line < (ofFile[index - 1]?.line ?? 0)) ? 'not from top to bottom' : [],
    ...problems.filter((problem) => !isPlaced(problem, texts)).map((problem) => `outside: ${showProblem(problem)}`),
    ...problems.filter(({ message }) => JARGON.test(message)).map((problem) => `jargon: ${showProblem(problem)}`),
  ].flat();
}

/** Words of the tools that read the file. */
const JARGON =
  /\bundefined\b|\[object|\bNaN\b|\bInvalid |\bfunction\b|\bexpected\b|\breceived\b|\btoken\b|\bimplicit\b|\bnode\b|\bUnresolved\b/;

function isPlaced({ file, line, column }: FileProblem, texts: Map<string, string>): boolean {
  const written = texts.get(file)?.split('\n')[line - 1];
  return written !== undefined && column >= 1 && column <= written.length + 1;
}
