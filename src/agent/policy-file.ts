/** The agent's policy from its file, which the chart renders from the same values as the Role. */

import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { SluiceError, messageOf } from '../shared/errors.ts';
import type { Policy } from './operations/policy.ts';

const verb = z.enum(['get', 'list', 'watch', 'create', 'patch', 'delete']);
const origin = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^@?#]+$/.test(text) && URL.canParse(text),
    'is no URL such as https://hooks.example/deploy',
  );

const schema = z.strictObject({
  rights: z
    .array(z.strictObject({ group: z.string(), kinds: z.array(z.string().min(1)).min(1), verbs: z.array(verb).min(1) }))
    .optional(),
  maxReplicas: z.int().min(1).optional(),
  protectedNames: z.array(z.string().min(1)).optional(),
  readOnly: z.boolean().optional(),
  http: z.array(origin).optional(),
  scrapePorts: z.array(z.int().min(1).max(65_535)).optional(),
});

/** @throws SluiceError CONFIG: an agent with half a policy is none. */
export function readPolicyFile(path: string): Omit<Policy, 'allowedNamespaces'> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(path, messageOf(cause), cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim());
    throw invalid(path, problems.join('; '));
  }
  const { rights, maxReplicas, protectedNames, readOnly, http, scrapePorts } = parsed.data;
  return {
    ...(rights && { rights }),
    ...(maxReplicas !== undefined && { maxReplicas }),
    ...(protectedNames && { protectedNames }),
    ...(readOnly !== undefined && { readOnly }),
    ...(http && { http }),
    ...(scrapePorts && { scrapePorts }),
  };
}

function invalid(path: string, why: string, cause?: unknown): SluiceError {
  const message = `The agent's policy ${path} (SLUICE_POLICY_FILE) cannot be used: ${why}.`;
  return new SluiceError('CONFIG', message, { disposition: 'stalled', cause });
}
