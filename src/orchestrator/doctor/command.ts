/** `sluice orchestrator doctor`, and the argument `doctor` of the orchestrator's image: prints what was found; 1 where something fails. */

import { checksAsJson, configurationFaults, isWell, showChecks } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { readConfig } from '../config.ts';
import type { OrchestratorConfig } from '../config.ts';
import { examine } from './examine.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the exit code. */
export async function runDoctor(
  environment: Environment,
  json: boolean,
  write: (text: string) => void,
): Promise<0 | 1> {
  const checks = await examineFrom(environment);
  write(json ? checksAsJson(checks) : showChecks(checks));
  return isWell(checks) ? 0 : 1;
}

async function examineFrom(environment: Environment): Promise<Check[]> {
  let config: OrchestratorConfig;
  try {
    config = readConfig(environment);
  } catch (error) {
    return configurationFaults(error);
  }
  return examine(config);
}
