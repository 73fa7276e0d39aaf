/** Wires runs to the world: engine, store, hub and metric providers, as the two workflows that the engine keeps. */

import type { Clock } from '../../../shared/clock.ts';
import { measurePrometheus, type MetricProvider, type Silence } from '../../analysis/prometheus.ts';
import type { ResolvedTarget } from '../../file/resolved.ts';
import type { AgentLink } from '../../hub/agent-link.ts';
import { controlsAfter, onControl } from '../../store/controls.ts';
import { setDeploymentState } from '../../store/deployments.ts';
import { recordEvent } from '../../store/events.ts';
import { rolloutId } from '../../store/rollouts.ts';
import type { Store } from '../../store/store.ts';
import { noteWatched, readWatched } from '../../store/timers.ts';
import type { Engine } from '../engine.ts';
import { deploy, type DeploymentEnd, type DeploymentInput, type DeployPorts } from './deploy.ts';
import type { Control, Ledger, Metrics, RunPorts } from './ports.ts';
import { rollTarget, type Outcome } from './roll-target.ts';
import { Run, type RunIdentity } from './run.ts';

export interface RunDependencies {
  store: Store;
  link: AgentLink;
  providers: MetricProvider[];
  /** Told of each answer of a provider, and of each failure to get one. */
  onProvider?: (name: string, silence: Silence | undefined) => void;
  clock: Clock;
  /** How long the last requests to pods have, once traffic has moved away from them. */
  drainMs: number;
}

/** Stored with every workflow: these names never change. */
const DEPLOYMENT = 'deployment';
const ROLLOUT = 'rollout';

interface RolloutInput {
  identity: RunIdentity;
  target: ResolvedTarget;
}

/** Names both workflows to the engine; call it before the launch, which resumes what was interrupted. */
export function registerWorkflows(engine: Engine, dependencies: RunDependencies): void {
  const ports = runPorts(engine, dependencies);
  engine.register<RolloutInput, Outcome>(ROLLOUT, ({ identity, target }) =>
    rollTarget(new Run(ports, identity), target),
  );
  engine.register<DeploymentInput, DeploymentEnd>(DEPLOYMENT, (input) =>
    deploy(deployPorts(engine, dependencies.store, input), input),
  );
}

/** Starts a stored deployment's run. Safe to repeat: the deployment's id is the workflow's. */
export async function startDeployment(engine: Engine, input: DeploymentInput): Promise<void> {
  await engine.start(DEPLOYMENT, input.id, input);
}

function runPorts(engine: Engine, dependencies: RunDependencies): RunPorts {
  const { store, link, clock, drainMs } = dependencies;
  return {
    link,
    clock,
    ledger: ledger(store),
    metrics: metrics(dependencies),
    durable: { step: (name, act) => engine.step(name, act), stopping: engine.stopping },
    drainMs,
  };
}

function ledger(store: Store): Ledger {
  return {
    async record(entry) {
      await recordEvent(store, entry);
    },
    async controlsAfter(rollout, deploymentId, afterId) {
      const rows = await controlsAfter(store, rollout, deploymentId, afterId);
      return rows.flatMap(({ id, kind, by, reason, detail }): Control[] => {
        if (kind !== 'approve' && kind !== 'abort') return [];
        const { step } = (detail ?? {}) as { step?: number };
        return [{ id, kind, by, reason: reason ?? '', ...(step !== undefined && { step }) }];
      });
    },
    onControl: (deploymentId, listener) => onControl(store, deploymentId, () => listener()),
    watchedMs: (rollout, timer) => readWatched(store, rollout, timer),
    keepWatchedMs: (rollout, timer, ms) => noteWatched(store, rollout, timer, ms),
  };
}

function metrics({ providers, onProvider }: RunDependencies): Metrics {
  return {
    providers: providers.map(({ name }) => name),
    async measure(name, query, atMs) {
      const provider = providers.find((candidate) => candidate.name === name);
      if (provider !== undefined) {
        return measurePrometheus(provider, query, atMs, (silence) => onProvider?.(name, silence));
      }
      const known = providers.map((candidate) => candidate.name).join(', ') || 'none';
      const reason = `the orchestrator has no metric provider ${name === '' ? 'at all' : name} (it has: ${known}): start it with --metric-provider NAME=URL`;
      return { kind: 'noData', reason };
    },
  };
}

function deployPorts(engine: Engine, store: Store, { id, file, startedMs }: DeploymentInput): DeployPorts {
  return {
    async say(seq, kind, message, state, reason) {
      await recordEvent(store, { deploymentId: id, rolloutId: null, seq, kind, message });
      if (state !== undefined) await setDeploymentState(store, id, state, reason === '' ? null : (reason ?? null));
    },
    async skip(target, reason) {
      const message = `${target.name}: not begun: ${reason}`;
      const rollout = { state: 'skipped' as const, phase: 'done', reason };
      await recordEvent(store, {
        deploymentId: id,
        rolloutId: rolloutId(id, target.name),
        seq: 1,
        kind: 'ended',
        message,
        rollout,
      });
    },
    roll(target) {
      const identity: RunIdentity = {
        rolloutId: rolloutId(id, target.name),
        deploymentId: id,
        application: file.application,
        target: target.name,
        account: target.account,
        namespace: target.namespace,
        startedMs,
      };
      return engine.child<Outcome>(ROLLOUT, identity.rolloutId, { identity, target } satisfies RolloutInput);
    },
  };
}
