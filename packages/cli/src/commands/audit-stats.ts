import { parseRecord, searchLog, type Filter } from '@mcp-broker/daemon/audit';

import { pairs, table } from '../output/table.ts';
import { requireHome } from './home.ts';
import type { Session } from './session.ts';

/** Callers choose their names: of more than this the rest is counted together. */
const mostNames = 1000;
const others = '(others)';
const shown = 10;

interface Stats {
  lines: number;
  first?: string;
  last?: string;
  readonly events: Map<string, Map<string, number>>;
  readonly codes: Map<string, number>;
  readonly servers: Map<string, number>;
  readonly variables: Map<string, number>;
}

/** Prints how often what happened. */
export async function showAuditStats(filter: Filter, session: Session): Promise<number> {
  requireHome(session.paths.home);
  const stats = await collect(filter, session);
  const { lines, first, last, events, codes, servers, variables } = stats;
  const { columns } = session.output;
  const about = pairs(
    [
      ['lines', String(lines)],
      ['first', first],
      ['last', last],
    ],
    columns,
  );
  const eventTable = table(
    ['EVENT', 'ALLOWED', 'DENIED', 'FAILED'],
    [...events].map(([name, counts]) => [
      name,
      ...['allowed', 'denied', 'failed'].map((outcome) => String(counts.get(outcome) ?? 0)),
    ]),
    columns,
  );
  const text = [
    about,
    eventTable,
    top('CODE', codes, columns),
    top('SERVER', servers, columns),
    top('VARIABLE', variables, columns),
  ];
  session.output.result(text.filter((part) => part !== '').join('\n'), {
    lines,
    first: first ?? null,
    last: last ?? null,
    events: Object.fromEntries(
      [...events].map(([name, counts]) => [name, Object.fromEntries(counts)]),
    ),
    codes: Object.fromEntries(codes),
    servers: Object.fromEntries(servers),
    variables: Object.fromEntries(variables),
  });
  return 0;
}

async function collect(filter: Filter, { paths, output }: Session): Promise<Stats> {
  const stats: Stats = {
    lines: 0,
    events: new Map(),
    codes: new Map(),
    servers: new Map(),
    variables: new Map(),
  };
  const finish = output.progress('reading the audit log');
  try {
    for await (const lines of searchLog(paths.audit, filter)) {
      for (const line of lines) {
        const record = parseRecord(line);
        if (record !== undefined) add(stats, record);
      }
    }
  } finally {
    finish();
  }
  return stats;
}

function add(stats: Stats, record: Readonly<Record<string, unknown>>): void {
  const { time, event, outcome, code, server, variables } = record;
  stats.lines += 1;
  if (typeof time === 'string') {
    stats.first ??= time;
    stats.last = time;
  }
  if (typeof event === 'string' && typeof outcome === 'string') {
    const counts = stats.events.get(event) ?? new Map<string, number>();
    stats.events.set(event, counts);
    count(counts, outcome);
  }
  if (typeof code === 'string') count(stats.codes, code);
  if (typeof server === 'string') count(stats.servers, server);
  if (!Array.isArray(variables)) return;
  for (const name of variables) if (typeof name === 'string') count(stats.variables, name);
}

function count(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < mostNames ? name : others;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function top(heading: string, counts: Map<string, number>, columns: number | undefined): string {
  if (counts.size === 0) return '';
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  const more = rows.length > shown ? [[`… ${rows.length - shown} more`, ''] as const] : [];
  return table(
    [heading, 'LINES'],
    [...rows.slice(0, shown).map(([name, n]) => [name, String(n)]), ...more],
    columns,
  );
}
