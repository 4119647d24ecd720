import { printable, searchLog, type Filter } from '@mcp-broker/daemon/audit';

import { escape } from '../output/terminal.ts';
import { describe } from './audit.ts';
import { csvHeading, csvRow } from './audit-csv.ts';
import { requireHome } from './home.ts';
import type { Session } from './session.ts';

/** Prints the wanted lines: as they stand in the log with `--json`, else one short line each. */
export async function searchAudit(filter: Filter, session: Session): Promise<number> {
  const { output } = session;
  const count = await pour(filter, session, (line) =>
    output.json ? printable(line) : escape(describe(line)),
  );
  if (count === 0) output.note('no line of the audit log is like that');
  return 0;
}

export interface ExportInput {
  readonly format: 'jsonl' | 'csv';
  readonly filter: Filter;
}

/** Prints the wanted lines for another program. */
export async function exportAudit(
  { format, filter }: ExportInput,
  session: Session,
): Promise<number> {
  if (format === 'csv') await session.output.pour(csvHeading);
  await pour(
    filter,
    session,
    format === 'csv' ? csvRow : printable,
    format === 'csv' ? '\r\n' : '\n',
  );
  return 0;
}

/** A group of lines at a time, as fast as they are taken; gives their number. */
async function pour(
  filter: Filter,
  { paths, output }: Session,
  format: (line: string) => string | undefined,
  end = '\n',
): Promise<number> {
  requireHome(paths.home);
  let count = 0;
  for await (const lines of searchLog(paths.audit, filter)) {
    let text = '';
    for (const line of lines) {
      const formatted = format(line.toString());
      if (formatted !== undefined) text += `${formatted}${end}`;
    }
    count += lines.length;
    await output.pour(text);
  }
  return count;
}
