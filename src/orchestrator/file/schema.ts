/** The deployment file's shape, strict: what a person writes, before names are looked up and defaults resolved. */

import { z } from 'zod';

const name = z.string().min(1, 'must not be empty');
/** `Minutes` and `minutes` are the same to the format. */
function word(...words: string[]) {
  // Named for editors in the small letters that everybody writes; read without regard to case.
  const text = z
    .string()
    .meta({ enum: words })
    .transform((given) => given.toLowerCase());
  const known = words.map((one) => one.toLowerCase());
  return text.refine((given) => known.includes(given), { error: `must be one of ${words.join(', ')}` });
}

/** A number or a truth value is taken as it is written: `1.10` stays `1.10` (`parseWithPlaces`). */
const variables = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()], 'must be text').transform((given) => String(given)),
);

/** Names of Services and namespaces: what Kubernetes takes. */
const dnsName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a Kubernetes name: small letters, digits and -, 63 at most');

/** Of `guard.lostContact.after`. */
export const PERIOD = /^([1-9]\d*)([smh])$/;

const unit = word('seconds', 'minutes', 'hours');
const duration = z.number().int('must be a whole number').min(1, 'must be at least 1');
const span = z.strictObject({ duration, unit });

const setWeight = z.strictObject({
  weight: z
    .number()
    .min(0, 'must be 0 to 100')
    .max(100, 'must be 0 to 100')
    .refine(
      (weight) => Number.isInteger(Math.round(weight * 1e6) / 1e4),
      'has two decimals at most (0.01 % is the smallest step)',
    ),
});

const pause = z.strictObject({
  duration: duration.optional(),
  unit: unit.optional(),
  untilApproved: z.boolean().optional(),
  requiresRoles: z.array(name).min(1, 'must name a role, or be left out').optional(),
  approvalExpiration: span.optional(),
});

const analysisStep = z.strictObject({
  queries: z.array(name).min(1, 'must name a query'),
  interval: duration,
  units: unit,
  numberOfJudgmentRuns: z.number().int('must be a whole number').min(1, 'must be at least 1'),
  rollBackMode: word('automatic', 'manual').optional(),
  rollForwardMode: word('automatic', 'manual').optional(),
  lookbackMethod: word('growing', 'sliding', 'unset').optional(),
  abortOnFailedJudgment: z.boolean().optional(),
  metricProviderName: name.optional(),
  context: variables.optional(),
});

const runJob = z.strictObject({
  name: name.optional(),
  path: name.optional(),
  inline: z.string().optional(),
  timeout: span.optional(),
});

/** Each step is an object with one key: its kind. */
const step = z.strictObject({
  setWeight: setWeight.optional(),
  pause: pause.optional(),
  analysis: analysisStep.optional(),
  runJob: runJob.optional(),
});

const target = z.strictObject({
  account: name.optional(),
  namespace: dnsName.optional(),
  strategy: name.optional(),
  constraints: z
    .strictObject({ dependsOn: z.array(name).min(1, 'must name a target, or be left out').optional() })
    .optional(),
});

const manifest = z.strictObject({
  path: name.optional(),
  inline: z.string().optional(),
  targets: z.array(name).min(1, 'names no target: leave it out to mean all').optional(),
});

const query = z.strictObject({
  name,
  queryTemplate: name,
  upperLimit: z.number().optional(),
  lowerLimit: z.number().optional(),
  metricProviderName: name.optional(),
  aggregationMethod: z.string().optional(),
});

const smi = z.strictObject({
  // `-canary` and `-stable` are put behind it.
  rootServiceName: dnsName.max(56, 'must be 56 characters at most: its backends add seven'),
  canaryServiceName: dnsName.optional(),
  trafficSplitName: name.optional(),
  retain: z.boolean().optional(),
});

const PODS = 'must be a number of pods, 1 at least, or a share of them such as 50%';

/** Ours, all of it: what the agent does by itself. */
const guard = z.strictObject({
  lostContact: z
    .strictObject({
      after: z.string().regex(PERIOD, 'must be a time such as 90s, 10m or 1h').optional(),
      do: word('rollback', 'hold').optional(),
    })
    .optional(),
  minReady: z.union([z.number().int(PODS).min(1, PODS), z.string().regex(/^([1-9]\d?|100)%$/, PODS)], PODS).optional(),
});

export const deploymentFile = z.strictObject({
  version: z.literal('v1', { error: 'must be v1' }).optional(),
  kind: z.literal('kubernetes', { error: 'must be kubernetes' }).optional(),
  application: name.optional(),
  description: z.string().optional(),
  context: variables.optional(),
  contextOverrides: variables.optional(),
  deploymentConfig: z
    .strictObject({
      timeout: z.strictObject({ duration, unit: word('seconds', 'minutes', 'hours', 'none') }).optional(),
      keepDeploymentObject: z.boolean().optional(),
      ifDeploymentInProgress: z.strictObject({ strategy: word('reject') }).optional(),
    })
    .optional(),
  targets: z.record(z.string(), target).refine((targets) => Object.keys(targets).length > 0, 'needs a target'),
  manifests: z.array(manifest).min(1, 'needs a manifest'),
  strategies: z
    .record(z.string(), z.strictObject({ canary: z.strictObject({ steps: z.array(step).nullable().optional() }) }))
    .optional(),
  analysis: z
    .strictObject({ defaultMetricProviderName: name.optional(), queries: z.array(query).optional() })
    .optional(),
  trafficManagement: z
    .array(
      z.strictObject({
        targets: z.array(name).min(1, 'names no target: leave it out to mean all').optional(),
        smi: z.array(smi).optional(),
      }),
    )
    .optional(),
  guard: guard.optional(),
});

export type DeploymentFile = z.infer<typeof deploymentFile>;
export type FileStep = z.infer<typeof step>;
export type FileSpan = z.infer<typeof span>;
