import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { CommandSpec, Given, GroupSpec } from '../spec.ts';

const tail: CommandSpec = {
  name: 'tail',
  summary: 'show the newest lines of the audit log',
  details: 'With --json the lines as they stand in the log.',
  options: [
    ['-n, --lines <N>', 'how many lines (default 20)'],
    ['-f, --follow', 'go on with what is written from now on'],
  ],
  example: 'mcp audit tail -n 5',
  async run(given, session) {
    const { tailAudit } = await import('../audit.ts');
    const lines = given.whole('lines', 0, 10_000) ?? 20;
    return tailAudit({ lines, follow: given.flag('follow') }, session);
  },
};

const events = async (): Promise<readonly string[]> => {
  const { eventNames } = await import('@mcp-broker/daemon/audit');
  return Object.keys(eventNames);
};

const filters: CommandSpec['options'] = [
  ['--server <NAME>', 'lines of the server that calls itself so'],
  ['--variable <NAME>', 'lines with this variable or reference'],
  ['--event <EVENT>', 'lines of this event: launch, deny, approve, …', events],
  ['--outcome <OUTCOME>', 'allowed, denied or failed', ['allowed', 'denied', 'failed']],
  ['--since <TIME>', 'from then on: 2h, 30d, 2026-01-31 or 2026-01-31T09:00 (UTC)'],
  ['--until <TIME>', 'before then'],
];

const search: CommandSpec = {
  name: 'search',
  summary: 'show the lines of the audit log that are like this',
  details:
    'It reads the files, and needs no daemon. With --json the lines as they stand in the log.',
  options: filters,
  example: 'mcp audit search --event set --since 1d',
  async run(given, session) {
    const [{ searchAudit }, { filterInput }] = await Promise.all([
      import('../audit-search.ts'),
      import('../audit-input.ts'),
    ]);
    return searchAudit(filterInput(given, session.now()), session);
  },
};

const stats: CommandSpec = {
  name: 'stats',
  summary: 'count what happened, by event, code, server and variable',
  options: filters,
  example: 'mcp audit stats --since 30d',
  async run(given, session) {
    const [{ showAuditStats }, { filterInput }] = await Promise.all([
      import('../audit-stats.ts'),
      import('../audit-input.ts'),
    ]);
    return showAuditStats(filterInput(given, session.now()), session);
  },
};

const verify: CommandSpec = {
  name: 'verify',
  summary: 'check that no line of the audit log was changed, removed or put in',
  details: 'Exit status 1 when one was. While locked the chain alone is checked, and not the MACs.',
  example: 'mcp audit verify',
  async run(_given, session) {
    const { verifyAudit } = await import('../audit-verify.ts');
    return verifyAudit(session);
  },
};

const exporting: CommandSpec = {
  name: 'export',
  summary: 'print the audit log for another program',
  options: [['--format <FORMAT>', 'jsonl (default) or csv', ['jsonl', 'csv']], ...filters],
  example: 'mcp audit export --format csv --since 30d',
  async run(given, session) {
    const [{ exportAudit }, { filterInput }] = await Promise.all([
      import('../audit-search.ts'),
      import('../audit-input.ts'),
    ]);
    const filter = filterInput(given, session.now());
    return exportAudit({ format: formatInput(given), filter }, session);
  },
};

function formatInput(given: Given): 'jsonl' | 'csv' {
  const format = given.text('format') ?? 'jsonl';
  if (format === 'jsonl' || format === 'csv') return format;
  throw new BrokerError('ERR_USAGE', '--format cannot be read', { hint: 'it takes jsonl or csv' });
}

export const audit: GroupSpec = {
  name: 'audit',
  summary: 'what was decided and changed',
  commands: [tail, search, stats, verify, exporting],
};
