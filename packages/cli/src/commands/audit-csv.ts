import { parseRecord, printable } from '@mcp-broker/daemon/audit';

const columns = [
  'seq',
  'time',
  'event',
  'outcome',
  'code',
  'launch',
  'server',
  'variables',
  'backend',
  'cached',
  'age_ms',
  'fingerprint',
  'pid',
  'uid',
  'claims',
  'duration_ms',
  'prev',
  'mac',
] as const;

/** RFC 4180, with the names of the columns. What a line has besides stands in the last one, as JSON. */
export const csvHeading: string = `${[...columns, 'more'].join(',')}\r\n`;

/** One line of the log without its end; undefined for what is none. */
export function csvRow(line: string): string | undefined {
  const record = parseRecord(Buffer.from(line));
  if (record === undefined) return undefined;
  const { v: _version, ...rest } = record;
  const more: Record<string, unknown> = rest;
  const cells = columns.map((name) => {
    const { [name]: value } = more;
    delete more[name];
    return cell(name === 'variables' && Array.isArray(value) ? value.join(' ') : text(value));
  });
  return [...cells, cell(Object.keys(more).length === 0 ? '' : JSON.stringify(more))].join(',');
}

function text(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Controls stand as escapes, so that a row is one line. A spreadsheet takes what begins with `=`, `+`, `-`,
 * `@` for a formula: an apostrophe makes it text.
 */
function cell(value: string): string {
  const safe = printable(/^\s*[=+\-@]/.test(value) ? `'${value}` : value);
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
