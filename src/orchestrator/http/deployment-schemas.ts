/** The contract of each route on deployments: what it takes, what it answers, and with which code it refuses. */

import { z } from 'zod';
import { answer, deployment, event, fileProblem, refusals, rollout, streamMessage } from './answers.ts';

const byId = z.object({ id: z.string().describe('As the list has it.') });
const by = z
  .string()
  .min(1)
  .max(200)
  .default('api')
  .describe('Who asks, as it is written down, beside the name of the token.');
const tags = ['deployments'];
const notFound = { 400: ['INVALID_REQUEST'], 404: ['NO_SUCH_DEPLOYMENT'] };

export const newDeployment = z.object({
  file: z.object({ name: z.string().describe('For messages.'), text: z.string().describe('YAML.') }),
  files: z.record(z.string(), z.string()).default({}).describe('Manifests, by path from the folder of the file.'),
  context: z.record(z.string(), z.string()).optional().describe('Goes over the context of the file.'),
  application: z.string().optional().describe('Goes over the application of the file.'),
  by,
});

const begun = z.object({
  id: z.string(),
  application: z.string(),
  warnings: z.array(fileProblem).describe('Of the file; it is run all the same.'),
});
export type Begun = z.output<typeof begun>;

export const beginSchema = {
  operationId: 'beginDeployment',
  summary: 'Begins a deployment.',
  tags,
  body: newDeployment,
  response: {
    202: answer('It is stored, and runs.', begun),
    ...refusals({
      400: ['INVALID_REQUEST', 'INVALID_FILE'],
      409: ['DEPLOYMENT_IN_PROGRESS'],
      413: ['BODY_TOO_LARGE'],
      422: ['NO_AGENT'],
    }),
  },
};

const listed = deployment
  .extend({
    waitsFor: z
      .enum(['approval', 'repair'])
      .nullable()
      .describe(
        '`approval`: a target waits for one. `repair`: a target is stalled until a person puts something right. Null: it goes on by itself, or is over.',
      ),
  })
  .meta({ id: 'ListedDeployment', description: 'A deployment, and whether it needs somebody.' });
export type ListedDeployment = z.output<typeof listed>;

export const listSchema = {
  operationId: 'listDeployments',
  summary: 'Newest first.',
  tags,
  querystring: z.object({
    application: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(50),
  }),
  response: {
    200: answer('The newest `limit`.', z.object({ deployments: z.array(listed) })),
    ...refusals({ 400: ['INVALID_REQUEST'] }),
  },
};

const withRollouts = deployment
  .extend({ rollouts: z.array(rollout).describe('One a target.') })
  .meta({ id: 'DeploymentWithRollouts', description: 'A deployment and its targets.' });
export type DeploymentWithRollouts = z.output<typeof withRollouts>;

export const lookSchema = {
  operationId: 'readDeployment',
  summary: 'One, with its rollouts.',
  tags,
  params: byId,
  response: { 200: answer('As it is now.', withRollouts), ...refusals({ 404: ['NO_SUCH_DEPLOYMENT'] }) },
};

export const eventsSchema = {
  operationId: 'listEvents',
  summary: 'What happened, oldest first.',
  tags,
  params: byId,
  querystring: z.object({
    after: z.coerce.number().int().min(0).default(0).describe('The `id` of the last event seen.'),
  }),
  response: {
    200: answer('At most 10,000: ask again after the last.', z.object({ events: z.array(event) })),
    ...refusals(notFound),
  },
};

export const approveSchema = {
  operationId: 'approveDeployment',
  summary: 'Lets what waits for a person go on.',
  tags,
  params: byId,
  body: z.object({ target: z.string().optional().describe('Only this one.'), by }).default({ by: 'api' }),
  response: {
    202: answer('It is written down, and goes on.', z.object({ approved: z.array(z.string()).describe('Targets.') })),
    ...refusals({
      400: ['INVALID_REQUEST'],
      403: ['NOT_PERMITTED', 'ROLE_REQUIRED'],
      404: ['NO_SUCH_DEPLOYMENT', 'NO_SUCH_TARGET'],
      409: ['NOTHING_TO_APPROVE', 'DEPLOYMENT_OVER'],
    }),
  },
};

export const abortSchema = {
  operationId: 'abortDeployment',
  summary: 'Asks for a rollback.',
  tags,
  params: byId,
  body: z
    .object({ reason: z.string().max(2_000).default('').describe('Written down with it.'), by })
    .default({ reason: '', by: 'api' }),
  response: {
    202: answer(
      'It is written down. Whether it came in time the events say: a promotion that has begun goes on.',
      z.object({ aborting: z.string().describe('The id.') }),
    ),
    ...refusals({ ...notFound, 409: ['DEPLOYMENT_OVER'] }),
  },
};

export const streamSchema = {
  operationId: 'streamDeployment',
  summary: 'A deployment as it happens: server-sent events, which end when it is over.',
  description:
    'First every `event` after Last-Event-ID, each `rollout` and the `deployment` as they are; then each change. A `deployment` whose `endedAt` is not null is the last message. A comment line every 15 s keeps proxies from ending it. After a break ask again, with Last-Event-ID.',
  tags,
  params: byId,
  headers: z.object({
    'last-event-id': z.coerce.number().int().min(0).default(0).describe('The `id` of the last `event` seen.'),
  }),
  response: {
    200: {
      description: 'Messages, each as `StreamMessage` says.',
      content: { 'text/event-stream': { schema: streamMessage } },
    },
    ...refusals(notFound),
  },
};
