/** The schema, as numbered migrations: only ever added to, run in order, each with its row in one transaction. */

export interface Migration {
  number: number;
  name: string;
  sql: string;
}

const initial = `
create table sluice.deployment (
  id text primary key,
  application text not null,
  state text not null,
  file jsonb not null,
  source text not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  started_at timestamptz,
  ended_at timestamptz,
  reason text
);
-- Whatever is not over is active: a state added later counts as active until this says otherwise.
create unique index deployment_one_active on sluice.deployment (application)
  where state not in ('succeeded', 'rolledBack', 'aborted', 'failed');
create index deployment_newest on sluice.deployment (created_at desc, id desc);

create table sluice.rollout (
  id text primary key,
  deployment_id text not null references sluice.deployment on delete cascade,
  target text not null,
  account text not null,
  namespace text not null,
  state text not null,
  phase text not null,
  step integer not null,
  steps integer not null,
  weight numeric not null,
  canary_hash text,
  stable_hash text,
  ready integer not null,
  wanted integer not null,
  reason text,
  verdicts jsonb not null,
  updated_seq integer not null default -1,
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);
create index rollout_of_deployment on sluice.rollout (deployment_id);

create table sluice.event (
  id bigint generated always as identity primary key,
  deployment_id text not null references sluice.deployment on delete cascade,
  rollout_id text references sluice.rollout on delete cascade,
  seq integer not null,
  kind text not null,
  message text not null,
  detail jsonb,
  at timestamptz not null,
  unique nulls not distinct (deployment_id, rollout_id, seq)
);
create index event_of_deployment on sluice.event (deployment_id, id);

create table sluice.control (
  id bigint generated always as identity primary key,
  deployment_id text not null references sluice.deployment on delete cascade,
  rollout_id text references sluice.rollout on delete cascade,
  kind text not null,
  by text not null,
  reason text,
  detail jsonb,
  at timestamptz not null default now()
);
create index control_of_deployment on sluice.control (deployment_id, id);

create table sluice.timer (
  rollout_id text not null references sluice.rollout on delete cascade,
  seq integer not null,
  watched_ms bigint not null,
  primary key (rollout_id, seq)
);

create table sluice.operation (
  id text primary key,
  account text not null,
  deployment_id text not null,
  namespace text not null,
  spec jsonb not null,
  not_after timestamptz not null,
  state text not null,
  code text,
  message text,
  value jsonb,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index operation_open on sluice.operation (account) where ended_at is null;
create index operation_of_deployment on sluice.operation (deployment_id);

create table sluice.agent (
  account text primary key,
  created_at timestamptz not null default now(),
  token_hash text not null,
  certificate_serial text not null,
  revoked_at timestamptz,
  epoch bigint not null default 0,
  instance_id text,
  agent_version text,
  kubernetes_version text,
  namespaces text[] not null default '{}',
  connected_at timestamptz,
  disconnected_at timestamptz,
  disconnect_reason text
);
`;

/**
 * What runs recorded, in a table of ours (see engine/journal.ts). And a rollout goes only with its deployment, so events and
 * controls need no key of their own to it: it cost each event a lock on its rollout's row, and each removal a look at all events.
 */
const steps = `
create table sluice.step (
  workflow_id text not null,
  number integer not null,
  name text not null,
  output text,
  error text,
  at timestamptz not null default now(),
  primary key (workflow_id, number)
);
alter table sluice.event drop constraint event_rollout_id_fkey;
alter table sluice.control drop constraint control_rollout_id_fkey;
create index deployment_over on sluice.deployment (ended_at) where ended_at is not null;
`;

/** What agents fence by, and what a person is told of them. The sequence is moved past the clock at each start. */
const link = `
create sequence sluice.operation_generation as bigint;
alter table sluice.operation
  add column generation bigint not null default nextval('sluice.operation_generation'),
  add column after_guard boolean not null default false;
alter sequence sluice.operation_generation owned by sluice.operation.generation;

create table sluice.alert (
  id bigint generated always as identity primary key,
  account text,
  kind text not null,
  message text not null,
  detail jsonb not null,
  count integer not null,
  at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  closed_at timestamptz
);
create unique index alert_open on sluice.alert (account, kind) nulls not distinct where closed_at is null;
`;

/** An account may have been invited and have no credential yet; a renewed one counts beside its predecessor until it is used. */
const enrolment = `
alter table sluice.agent
  alter column token_hash drop not null,
  alter column certificate_serial drop not null,
  add column previous_token_hash text,
  add column previous_serial text,
  add column certificate_ends_at timestamptz,
  add column certificate_authority text,
  add column authorities text[],
  add column held_serial text;

create table sluice.join_token (
  hash text primary key,
  account text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  used_key text,
  used_by text
);
create index join_token_of_account on sluice.join_token (account);
`;

/** Who may use the API, and what was asked of it. Of a token's secret there is a hash; a change has its row before it is made. */
const access = `
create table sluice.api_token (
  id bigint generated always as identity primary key,
  hash text not null unique,
  name text not null,
  role text not null,
  applications text[],
  as_roles text[] not null default '{}',
  created_at timestamptz not null default now(),
  created_by text not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  check (role <> 'admin' or applications is null)
);
create unique index api_token_live on sluice.api_token (name) where revoked_at is null;

create table sluice.audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  role text not null,
  by text,
  action text not null,
  object text,
  application text,
  outcome text,
  reason text,
  address text not null,
  user_agent text
);
create index audit_at on sluice.audit (at);
`;

/** What an agent said of itself at its newest session. */
const statement = `
alter table sluice.agent add column protocol integer, add column missing_rights jsonb;
`;

export const migrations: readonly Migration[] = [
  { number: 1, name: 'initial', sql: initial },
  { number: 2, name: 'steps', sql: steps },
  { number: 3, name: 'link', sql: link },
  { number: 4, name: 'enrolment', sql: enrolment },
  { number: 5, name: 'access', sql: access },
  { number: 6, name: 'statement', sql: statement },
];
