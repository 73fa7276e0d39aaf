/** The queries by themselves: limits, and templates that would render to something else than was meant. */

import Mustache from 'mustache';
import { messageOf } from '../../shared/errors.ts';
import { below, UNKNOWN, type Path, type PathProblem } from './problem.ts';
import type { DeploymentFile } from './schema.ts';
import { nearest } from './schema-problems.ts';

/** `{{armory.X}}` as `renderQuery` fills it in; a test keeps the two equal. */
export const ARMORY_VARIABLES = [
  'applicationName',
  'deploymentId',
  'environmentName',
  'accountName',
  'namespace',
  'replicaSetName',
  'startTimeIso8601',
  'startTimeEpochSeconds',
  'startTimeEpochMillis',
  'endTimeIso8601',
  'endTimeEpochSeconds',
  'endTimeEpochMillis',
  'intervalSeconds',
  'intervalMillis',
  'promQlStepInterval',
];

/** The queries by themselves: a query without a limit would pass whatever comes. */
export function queryProblems(file: DeploymentFile): PathProblem[] {
  const queries = file.analysis?.queries ?? [];
  return queries.flatMap(({ name, queryTemplate, upperLimit, lowerLimit }, index): PathProblem[] => {
    const path: Path = ['analysis', 'queries', index];
    const found: PathProblem[] = [];
    const wrong = templateProblem(queryTemplate);
    if (wrong !== undefined) found.push({ path: [...path, 'queryTemplate'], message: wrong });
    if (upperLimit === undefined && lowerLimit === undefined) {
      found.push({
        path,
        message: `query ${name} needs upperLimit, lowerLimit or both: without them everything would pass`,
        restsOn: below(path, 'upperLimit', 'lowerLimit', UNKNOWN),
      });
    } else if (upperLimit !== undefined && lowerLimit !== undefined && lowerLimit > upperLimit) {
      found.push({
        path,
        message: `query ${name} can never pass: its lowerLimit ${lowerLimit} is above its upperLimit ${upperLimit}`,
      });
    }
    if (queries.findIndex((other) => other.name === name) < index) {
      found.push({ path: [...path, 'name'], message: `query ${name} is defined twice: give one another name` });
    }
    return found;
  });
}

/** Mustache renders an unknown variable as nothing, and a query with a hole in it measures something else. */
function templateProblem(template: string): string | undefined {
  const old = /\$\{[\w-]+\}/.exec(template)?.[0];
  if (old !== undefined) return `not supported yet: the old variable ${old}; write {{armory.X}} or {{context.X}}`;
  try {
    for (const [type, name] of tagsOf(template)) {
      const problem = tagProblem(type, name);
      if (problem !== undefined) return problem;
    }
    return undefined;
  } catch (error) {
    return `queryTemplate is no template: ${messageOf(error)}`;
  }
}

function tagProblem(type: string, name: string): string | undefined {
  if (type !== 'name' && type !== '&') return `queryTemplate may hold variables only, not {{${type}${name}}}`;
  const [space, ...rest] = name.split('.');
  const variable = rest.join('.');
  if (space === 'context' && variable !== '') return undefined;
  if (space === 'secrets') return `not supported yet: {{${name}}}`;
  if (space === 'armory' && ARMORY_VARIABLES.includes(variable)) return undefined;
  const meant = nearest(variable, ARMORY_VARIABLES);
  const hint = meant === undefined ? 'known: {{armory.X}}, {{context.X}}' : `did you mean {{armory.${meant}}}?`;
  return `there is no variable {{${name}}} (${hint})`;
}

/** The first context variable of the template that has no value. A template that is none uses none. */
export function undefinedVariable(template: string, context: Record<string, string>): string | undefined {
  if (templateProblem(template) !== undefined) return undefined;
  return tagsOf(template)
    .filter(([, name]) => name.startsWith('context.'))
    .map(([, name]) => name.slice('context.'.length))
    .find((name) => !Object.hasOwn(context, name));
}

/** Type and content of each tag, without text and comments. */
function tagsOf(template: string): [type: string, name: string][] {
  return Mustache.parse(template)
    .map(([type, name]): [string, string] => [type, name])
    .filter(([type]) => type !== 'text' && type !== '!');
}
