/** A problem of a deployment file, as a compiler would tell it. */

export interface FileProblem {
  /** As the person wrote it. */
  file: string;
  /** From 1; 1:1 where the place is the whole file. */
  line: number;
  column: number;
  /** `targets.staging.strategy` */
  path: string;
  message: string;
}

export type FileWarning = FileProblem;

/** A problem whose place is known by its path in the document. */
export interface PathProblem {
  path: (string | number)[];
  message: string;
  /** Says that something is missing: no second problem where a part that is not supported was taken out beside it. */
  isAbsence?: boolean;
}

/** `deploy.yaml:12:5: message` */
export function showProblem({ file, line, column, message }: FileProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}
