/** The things of the API as they are answered: what is not described here is not sent, and /openapi.json is made of it. */

import { z } from 'zod';
import { ROLES } from './permission.ts';

export const when = z.date();

export const deployment = z
  .object({
    id: z.string().describe('Sorts by the time it was begun.'),
    application: z.string(),
    state: z
      .enum(['pending', 'running', 'stalled', 'succeeded', 'rolledBack', 'aborted', 'failed'])
      .describe('The last four are over.'),
    createdAt: when,
    createdBy: z.string(),
    startedAt: when.nullable(),
    endedAt: when.nullable().describe('Null until it is over; over is over.'),
    reason: z.string().nullable().describe('Why it ended as it did.'),
  })
  .meta({ id: 'Deployment', description: 'One run of one deployment file.' });

export const rollout = z
  .object({
    id: z.string().describe("`<deployment's id>:<target>`"),
    deploymentId: z.string(),
    target: z.string(),
    account: z.string(),
    namespace: z.string(),
    state: z
      .enum([
        'pending',
        'running',
        'waitingApproval',
        'stalled',
        'succeeded',
        'rolledBack',
        'aborted',
        'failed',
        'skipped',
      ])
      .describe(
        '`stalled`: it cannot go on until a person puts right what `reason` says, then it does by itself. `skipped`: a target it depends on did not succeed. The last five are over.',
      ),
    phase: z.string().describe("The part of the run it is in, in the run's own words."),
    step: z.int().describe('How many of `steps` are behind it.'),
    steps: z.int(),
    weight: z.number().describe('Percent of traffic at the canary.'),
    canaryHash: z.string().nullable(),
    stableHash: z.string().nullable(),
    ready: z.int().describe('Canary pods that are ready, of `wanted`.'),
    wanted: z.int(),
    reason: z.string().nullable().describe('Why it is stalled, rolls back or ended.'),
    verdicts: z
      .array(z.object({ step: z.int(), verdict: z.enum(['passed', 'failed', 'inconclusive']), reason: z.string() }))
      .describe('Of analyses and jobs so far, oldest first.'),
    updatedSeq: z.int().describe('The `seq` of the event it shows; -1 before the first.'),
    updatedAt: when,
    startedAt: when.nullable(),
    endedAt: when.nullable().describe('Null until it is over.'),
  })
  .meta({ id: 'Rollout', description: "One target's run, as its newest event left it." });

export const event = z
  .object({
    id: z.int().describe('Rises within a deployment: "after this id" misses none.'),
    deploymentId: z.string(),
    rolloutId: z.string().nullable().describe('Null: of the deployment as a whole.'),
    seq: z.int(),
    kind: z.string().describe('For programs, for example `rollout.weight`, `warning`, `deployment.ended`.'),
    message: z.string().describe('For people.'),
    detail: z.unknown().describe('JSON, by kind.'),
    at: when,
  })
  .meta({ id: 'Event', description: 'One thing that happened.' });

export const agent = z
  .object({
    account: z.string(),
    createdAt: when,
    revokedAt: when.nullable(),
    epoch: z.int().describe('Of its newest session; rises.'),
    instanceId: z.string().nullable(),
    agentVersion: z.string().nullable(),
    kubernetesVersion: z.string().nullable(),
    protocol: z.int().nullable().describe('Version of the protocol that its newest session speaks.'),
    namespaces: z.array(z.string()).describe('Those its own policy allows.'),
    connectedAt: when.nullable(),
    disconnectedAt: when.nullable().describe('Null while it is connected.'),
    disconnectReason: z.string().nullable(),
    certificateEndsAt: when.nullable().describe('Of its newest certificate; null: it has none that is known.'),
    missingRights: z
      .array(z.object({ namespace: z.string(), group: z.string(), resource: z.string(), verb: z.string() }))
      .nullable()
      .describe('Of what a canary takes, what the API server did not grant it when it started; null: it did not say.'),
    connected: z.boolean(),
  })
  .meta({ id: 'Agent', description: 'Null where it has never connected.' });

export const alert = z
  .object({
    id: z.int(),
    account: z.string().nullable().describe('Null: of nobody who is known.'),
    kind: z
      .enum(['alternatingAgents', 'refusedAgent', 'sessionFlood', 'joinTokenReused'])
      .describe(
        'Two agents with one credential; a credential that does not count, again and again; sessions begun too often.',
      ),
    message: z.string().describe('For people: what was seen, and what to do.'),
    detail: z.record(z.string(), z.unknown()).describe('By kind.'),
    count: z.int().describe('How often it was seen.'),
    at: when.describe('When it was first seen.'),
    lastAt: when,
  })
  .meta({ id: 'Alert', description: 'What a person should look at though no run depends on it.' });

export const apiToken = z
  .object({
    id: z.int(),
    name: z.string(),
    role: z.enum(ROLES).describe('Each may what those before it may.'),
    applications: z.array(z.string()).nullable().describe('Null: all.'),
    asRoles: z.array(z.string()).describe('Names it carries for `requiresRoles` of a pause.'),
    createdAt: when,
    createdBy: z.string().describe('The token that made it; `local`: a program of the machine of the orchestrator.'),
    expiresAt: when.nullable().describe('Null: never.'),
    lastUsedAt: when.nullable().describe('To the minute. Null: never.'),
    revokedAt: when.nullable(),
  })
  .meta({ id: 'Token', description: 'Its secret is nowhere kept.' });

export const auditEntry = z
  .object({
    id: z.int(),
    at: when,
    who: z.string().describe('The token; `local`: a program of the machine of the orchestrator.'),
    role: z.string(),
    by: z.string().nullable().describe('What the caller called itself; not proven.'),
    action: z.string().describe('The `operationId` of what was asked.'),
    object: z.string().nullable().describe("A deployment's id, an agent's or a token's name."),
    application: z.string().nullable(),
    outcome: z
      .enum(['done', 'refused', 'failed'])
      .nullable()
      .describe('`refused`: nothing was changed. Null: under way, or the orchestrator ended in the middle of it.'),
    reason: z.string().nullable().describe('Why it was refused, or failed.'),
    address: z.string().describe('From where; behind a proxy with what that says it speaks for.'),
    userAgent: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry', description: 'One change that was asked for.' });

export const credential = z
  .object({
    account: z.string(),
    server: z.string().describe('host:port where agents are served.'),
    ca: z.string().optional().describe('PEM. Without: the authorities that the system of the agent trusts.'),
    certificate: z.string().optional().describe('PEM. Without: a proxy ends TLS, and the token is the proof.'),
    key: z.string().optional().describe('PEM. Secret.'),
    token: z.string().describe('Secret.'),
  })
  .meta({ id: 'Credential', description: 'Shown this once.' });

export const invitation = z
  .object({
    account: z.string(),
    joinToken: z.string().describe('Counts once, until `expiresAt`. Secret.'),
    expiresAt: when,
    server: z.string().describe('host:port where the agent will look for the orchestrator.'),
    chart: z.string().describe("The agent's chart, as `helm install` takes it."),
    image: z.string().nullable().describe("Its image, without the tag; null: the chart's own default."),
  })
  .meta({ id: 'Invitation', description: 'What an agent is installed with.' });

export const fileProblem = z
  .object({
    file: z.string(),
    line: z.int().describe('From 1.'),
    column: z.int().describe('From 1.'),
    path: z.string().describe('For example `targets.staging.strategy`.'),
    message: z.string(),
  })
  .meta({ id: 'FileProblem' });

export const refusal = z
  .object({
    error: z.object({
      code: z.string().describe('Stable; each is explained in docs/errors.md.'),
      message: z.string().describe('What happened, to what, and what to do.'),
      problems: z.array(fileProblem).optional().describe('Of a deployment file.'),
    }),
  })
  .meta({ id: 'Error', description: 'Every refusal has this form.' });

/** One message of the stream; on the wire `id:`, `event:` and `data:` lines, `data` as JSON on one line. */
export const streamMessage = z
  .discriminatedUnion('event', [
    z.object({
      id: z.int().describe('To be sent as Last-Event-ID to go on after it.'),
      event: z.literal('event'),
      data: event,
    }),
    z.object({ event: z.literal('rollout'), data: rollout }),
    z.object({ event: z.literal('deployment'), data: deployment }),
  ])
  .meta({ id: 'StreamMessage', description: 'Lines `id:`, `event:`, `data:` (JSON) and an empty one.' });

export type StreamMessage = z.output<typeof streamMessage>;

/** @param description for who reads the document. */
export function answer<T extends z.ZodType>(
  description: string,
  schema: T,
): { description: string; content: { 'application/json': { schema: T } } } {
  return { description, content: { 'application/json': { schema } } };
}

type RefusalStatus = 400 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 503;
type Refusal = ReturnType<typeof answer<typeof refusal>>;

/**
 * The refusals of a route, by status with its codes. Those that every route may answer (not let in, a defect of ours) stand
 * under `default`.
 */
export function refusals<S extends RefusalStatus>(codes: Record<S, string[]>): Record<S | 'default', Refusal> {
  const ofRoute = Object.entries<string[]>(codes).map(([status, some]) => [status, answer(some.join(', '), refusal)]);
  return {
    ...Object.fromEntries(ofRoute),
    default: answer(
      'UNAUTHENTICATED (401), NOT_PERMITTED (403), FOREIGN_ORIGIN (403), TOO_MANY_REQUESTS (429), INTERNAL (500)',
      refusal,
    ),
  } as Record<S | 'default', Refusal>;
}
