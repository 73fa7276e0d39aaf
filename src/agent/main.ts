/** The agent's door: configuration from the environment, signals, exit code. */

import process from 'node:process';
import { messageOf } from '../shared/errors.ts';
import { readArguments } from '../shared/program-arguments.ts';
import { readConfig } from './config.ts';
import type { AgentConfig } from './config.ts';
import { runAgent } from './run.ts';
import { grpcEnvironment } from './stream/proxy.ts';

const stop = new AbortController();

function onSignal(): void {
  // Whoever asks twice does not want to wait for what still runs.
  if (stop.signal.aborted) process.exit(1);
  stop.abort();
}

/** grpc-js reads these by itself, when it makes a channel. */
function setProxy({ proxy }: AgentConfig): void {
  Object.assign(process.env, grpcEnvironment(proxy));
}

async function run(settings: Record<string, string> = {}): Promise<void> {
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const config = readConfig({ ...process.env, ...settings });
  setProxy(config);
  await runAgent(config, { signal: stop.signal });
}

async function doctor(json: boolean): Promise<void> {
  // It holds nothing, so there is nothing to end well.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(1));
  // What gRPC says of an orchestrator that is named by its number is for who writes gRPC.
  process.noDeprecation = true;
  const { runDoctor } = await import('./doctor/command.ts');
  const write = (text: string): void => void process.stdout.write(`${text}\n`);
  process.exitCode = await runDoctor({ environment: process.env, onConfig: setProxy, json, write });
}

try {
  const given = readArguments(process.argv.slice(2));
  await (given.command === 'doctor' ? doctor(given.json) : run(given.settings));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 2;
}
