import { eventNames, type Filter } from '@mcp-broker/daemon/audit';
import { BrokerError, parseDuration } from '@mcp-broker/daemon/protocol';

import type { Given } from './spec.ts';

/** What was typed, as a filter. Throws `ERR_USAGE`. */
export function filterInput(given: Given, now: number): Filter {
  const event = given.text('event');
  const outcome = given.text('outcome');
  if (event !== undefined && !isOneOf(eventNames, event)) {
    throw misuse('event', `one of ${Object.keys(eventNames).join(', ')}`);
  }
  if (outcome !== undefined && !isOneOf(outcomes, outcome)) {
    throw misuse('outcome', 'allowed, denied or failed');
  }
  return {
    server: given.text('server'),
    variable: given.text('variable'),
    event,
    outcome,
    since: timeInput('since', given.text('since'), now),
    until: timeInput('until', given.text('until'), now),
  };
}

const outcomes = { allowed: true, denied: true, failed: true } as const;
const isoTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** So long ago, or a time; without a zone that is UTC, as in the log. */
function timeInput(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const [, clock, , , zone] = isoTime.exec(text) ?? [undefined, 'none'];
  const time =
    clock === 'none'
      ? Number.NaN
      : Date.parse(clock === undefined || zone !== undefined ? text : `${text}Z`);
  if (Number.isNaN(time)) throw misuse(option, 'a duration or a time: 2h, 30d, 2026-01-31');
  return time;
}

function isOneOf<T extends object>(known: T, text: string): text is keyof T & string {
  return Object.hasOwn(known, text);
}

function misuse(option: string, what: string): BrokerError {
  return new BrokerError('ERR_USAGE', `--${option} cannot be read`, { hint: `it takes ${what}` });
}
