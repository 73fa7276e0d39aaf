/** The agent's door: configuration from the environment, signals, exit code. */

import process from 'node:process';
import { messageOf } from '../shared/errors.ts';
import { readConfig } from './config.ts';
import { runAgent } from './run.ts';
import { grpcEnvironment } from './stream/proxy.ts';

const stop = new AbortController();

function onSignal(): void {
  // Whoever asks twice does not want to wait for what still runs.
  if (stop.signal.aborted) process.exit(1);
  stop.abort();
}

process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);

try {
  const config = readConfig(process.env);
  // grpc-js reads these by itself, when it makes a channel.
  Object.assign(process.env, grpcEnvironment(config.proxy));
  await runAgent(config, { signal: stop.signal });
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 2;
}
