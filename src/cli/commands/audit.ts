/** `sluice audit`: what was changed through the API, by whom, from where. */

import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { table } from '../output.ts';
import { harmless } from '../progress.ts';
import { readSpan } from '../time-span.ts';

interface Entry {
  id: number;
  at: string;
  who: string;
  by: string | null;
  role: string;
  action: string;
  object: string | null;
  application: string | null;
  outcome: 'done' | 'refused' | 'failed' | null;
  reason: string | null;
  address: string;
  userAgent: string | null;
}

export interface AuditFlags {
  since: string;
}

/** Of one answer. */
const PAGE = 1_000;

/** Newest first, all of them. */
export async function audit({ api, out, now }: CommandContext, { since }: AuditFlags): Promise<number> {
  const from = new Date(now() - readSpan('--since', since)).toISOString();
  const entries: Entry[] = [];
  for (let before = ''; ;) {
    const path = `/v1/audit?since=${encodeURIComponent(from)}&limit=${PAGE}${before}`;
    const page = (await api.get<{ entries: Entry[] }>(path)).entries;
    entries.push(...page);
    if (page.length < PAGE) break;
    before = `&before=${page.at(-1)?.id}`;
  }
  if (out.json) out.value(entries);
  else if (entries.length === 0) out.line(`Nothing was changed in the last ${since}. Look further back: --since 30d`);
  else out.line(table([['AT', 'WHO', 'WHAT', 'OUTCOME', 'FROM'], ...entries.map(row)]));
  return EXIT.succeeded;
}

/** What others wrote may hold what a terminal obeys. */
function row({ at, who, by, role, action, object, application, outcome, reason, address }: Entry): string[] {
  const name = by === null || by === who || by === 'api' ? who : `${who} (${by})`;
  const of = application === null ? '' : ` of ${application}`;
  const end = outcome ?? 'unknown: it did not end';
  return [
    at.slice(0, 19).replace('T', ' '),
    `${name}, ${role}`,
    `${action}${object === null ? '' : ` ${object}`}${of}`,
    reason === null ? end : `${end}: ${reason}`,
    address,
  ].map(harmless);
}
