import type { AuditEventName } from './event.ts';
import { jsonText } from './line.ts';

/** Which lines are wanted; what is left out does not matter. */
export interface Filter {
  readonly server?: string | undefined;
  /** The name of a variable, or a reference as it stands in the line. */
  readonly variable?: string | undefined;
  readonly event?: AuditEventName | undefined;
  readonly outcome?: 'allowed' | 'denied' | 'failed' | undefined;
  /** Milliseconds since 1970: from this time on, */
  readonly since?: number | undefined;
  /** and before this one. */
  readonly until?: number | undefined;
}

/**
 * What a line that is wanted has to contain, as bytes: the rarest member first, by which lines are found
 * without looking at the others. Members stand in a line in one form alone; a text that looks like one has
 * backslashes before its quotes.
 */
export function needlesOf({ server, variable, event, outcome }: Filter): Buffer[] {
  return [
    variable === undefined ? undefined : jsonText(variable),
    server === undefined ? undefined : `"server":${jsonText(server)}`,
    event === undefined ? undefined : `"event":"${event}"`,
    outcome === undefined ? undefined : `"outcome":"${outcome}"`,
  ]
    .filter((text) => text !== undefined)
    .map((text) => Buffer.from(text));
}

/** A line as an object; undefined when it is none. */
export type AuditRecord = Readonly<Record<string, unknown>>;

export function parseRecord(line: Buffer): AuditRecord | undefined {
  try {
    const record: unknown = JSON.parse(line.toString());
    return typeof record === 'object' && record !== null ? (record as AuditRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is wanted, member by member. */
export function matches(record: AuditRecord, filter: Filter): boolean {
  const { server, variable, event, outcome } = filter;
  if (server !== undefined && record['server'] !== server) return false;
  if (event !== undefined && record['event'] !== event) return false;
  if (outcome !== undefined && record['outcome'] !== outcome) return false;
  const variables = record['variables'];
  if (variable !== undefined && !(Array.isArray(variables) && variables.includes(variable))) {
    return false;
  }
  return isWithin(Date.parse(String(record['time'])), filter);
}

const timeStart = '"time":"';

/** What the beginning of the line says of its time, so that most lines need no parsing. */
export function isInTime(line: Buffer, filter: Filter): boolean {
  if (filter.since === undefined && filter.until === undefined) return true;
  const start = line.toString('latin1', 0, 80);
  const from = start.indexOf(timeStart) + timeStart.length;
  return isWithin(Date.parse(start.slice(from, start.indexOf('"', from))), filter);
}

function isWithin(time: number, { since, until }: Filter): boolean {
  if (since === undefined && until === undefined) return true;
  return time >= (since ?? -Infinity) && time < (until ?? Infinity);
}
