/** A problem of a deployment file, as a compiler would tell it. */

export interface Place {
  /** From 1; 1:1 where the place is the whole file. */
  line: number;
  column: number;
}

export interface FileProblem extends Place {
  /** As the person wrote it. */
  file: string;
  /** `targets.staging.strategy` */
  path: string;
  message: string;
}

export type FileWarning = FileProblem;

export type Path = (string | number)[];

/** A problem whose place is known by its path in the document. */
export interface PathProblem {
  path: Path;
  message: string;
  /** It is a problem only if these are read as they were meant (see `holes.ts`). Its own path need not be named. */
  restsOn?: Rest[];
}

/** Any key or index. */
export const ANY = Symbol('any key');
/** A key that the format does not know: it may be any of those that are missing beside it. */
export const UNKNOWN = Symbol('unknown key');

export type Rest = (string | number | typeof ANY | typeof UNKNOWN)[];

/** `deploy.yaml:12:5: message` */
export function showProblem({ file, line, column, message }: FileProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** `manifests[0].inline` */
export function showPath(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : key))
    .join('.')
    .replaceAll('.[', '[');
}

/** The places of these keys, for `restsOn`. */
export function below(path: Path, ...keys: Rest): Rest[] {
  return keys.map((key) => [...path, key]);
}
