/** The report as a table for a terminal. Pure. */

import { isAsAsked, sharesOf, type Observation, type RunReport } from './report.ts';

export interface Phase {
  title: string;
  seen: Observation;
  report: RunReport;
}

export function tableOf(phases: Phase[]): string {
  const rows = [
    ['', ...phases.map(({ title }) => title)],
    ...row('ended as', phases, ({ seen }) => seen.outcome),
    ...row('requests', phases, ({ report }) => number(report.requests)),
    ...row('answered by', phases, ({ report }) => versions(report.byVersion)),
    ...row('failed', phases, ({ report }) => number(report.failed)),
    ...row('misrouted', phases, ({ report }) => number(report.misrouted)),
    ...row('weights written', phases, ({ report }) => report.weights.map((weight) => `${weight}`).join(' ')),
    ...shareRows(phases),
    ...row('pods restarted', phases, ({ report }) => number(report.podsRestarted)),
    ...row('left behind', phases, ({ report }) => number(report.leftBehind)),
  ];
  return aligned(rows);
}

function row(name: string, phases: Phase[], cell: (phase: Phase) => string): string[][] {
  return [[name, ...phases.map(cell)]];
}

/** One row per meshed client: what it got of the canary at each weight. */
function shareRows(phases: Phase[]): string[][] {
  const shares = phases.map(({ seen }) => sharesOf(seen));
  const clients = [...new Set(shares.flat().map(({ client }) => client))];
  return clients.flatMap((client) => [
    [
      `share of ${client}`,
      ...shares.map((own) =>
        own
          .filter((share) => share.client === client && share.answers > 0)
          .map((share) => `${((100 * share.canary) / share.answers).toFixed(1)}${isAsAsked(share) ? '' : '!'}`)
          .join(' '),
      ),
    ],
  ]);
}

function versions(byVersion: Record<string, number>): string {
  return Object.entries(byVersion)
    .map(([version, count]) => `${version} ${number(count)}`)
    .join(', ');
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function aligned(rows: string[][]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd();
  const [head = [], ...body] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('   '), ...body.map(line)].join('\n');
}
