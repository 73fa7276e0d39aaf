/** `sluice agent doctor`, and the argument `doctor` of the agent's image: prints what was found; 1 where something fails. */

import { checksAsJson, configurationFaults, isWell, showChecks } from '../../shared/check.ts';
import type { Check } from '../../shared/check.ts';
import { readConfig } from '../config.ts';
import type { AgentConfig } from '../config.ts';
import { examine } from './examine.ts';

export interface DoctorOptions {
  environment: Readonly<Record<string, string | undefined>>;
  /** Called with a configuration that holds, before anything is dialled. */
  onConfig: (config: AgentConfig) => void;
  json: boolean;
  write: (text: string) => void;
}

/** @returns the exit code. */
export async function runDoctor({ environment, onConfig, json, write }: DoctorOptions): Promise<0 | 1> {
  const checks = await examineFrom(environment, onConfig);
  write(json ? checksAsJson(checks) : showChecks(checks));
  return isWell(checks) ? 0 : 1;
}

async function examineFrom(
  environment: DoctorOptions['environment'],
  onConfig: DoctorOptions['onConfig'],
): Promise<Check[]> {
  let config: AgentConfig;
  try {
    config = readConfig(environment);
  } catch (error) {
    return configurationFaults(error);
  }
  onConfig(config);
  return examine(config);
}
