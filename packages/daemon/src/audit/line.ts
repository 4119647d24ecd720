import { BrokerError, exitCodes } from '@mcp-broker/providers/errors';
import type { AuditEvent, AuditEventName } from './event.ts';
import { macOf, type MacKey } from './mac.ts';

const longestText = 256;

/** Every event that a line may tell of. */
export const eventNames: Readonly<Record<AuditEventName, true>> = {
  launch: true,
  resolve: true,
  deny: true,
  pending: true,
  approve: true,
  revoke: true,
  set: true,
  delete: true,
  reveal: true,
  lock: true,
  unlock: true,
  config: true,
  backend: true,
  rotate: true,
  lease: true,
  target: true,
  exit: true,
  'refused-peer': true,
  start: true,
  stop: true,
  expire: true,
};

const identifier = /^[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,127}$/;
const backends = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:,[A-Za-z0-9][A-Za-z0-9-]{0,62}){0,255}$/;
const variable =
  /^(?:[A-Za-z_][A-Za-z0-9_]{0,127}|\$<(?:[A-Za-z_][A-Za-z0-9_]{0,127}|[a-z][a-z0-9-]*:[A-Za-z0-9._/#@-]+)>)$/;

type Check = (value: unknown) => unknown;

const count: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;

const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? value : undefined;

const keyOf =
  (known: object): Check =>
  (value) =>
    typeof value === 'string' && Object.hasOwn(known, value) ? value : undefined;

/**
 * Text that a caller chose. It is cut and not refused: else a caller could keep its own refusal out of
 * the log.
 */
const claim: Check = (value) => {
  if (typeof value !== 'string') return undefined;
  return value.length > longestText ? `${value.slice(0, longestText - 1)}…` : value;
};

const isVariable = matching(variable);

/** Every member that a line may have, in the order of the line, with the form of its value. */
const members: { readonly [K in keyof Required<AuditEvent>]: Check } = {
  event: keyOf(eventNames),
  outcome: matching(/^(?:allowed|denied|failed)$/),
  code: keyOf(exitCodes),
  launch: matching(identifier),
  server: claim,
  variables: (value) =>
    Array.isArray(value) && value.every((one) => isVariable(one) !== undefined) ? value : undefined,
  backend: matching(backends),
  cached: count,
  age_ms: count,
  fingerprint: matching(identifier),
  pid: count,
  uid: count,
  claims: (value) => {
    if (typeof value !== 'object' || value === null) return undefined;
    const { client, ...rest } = value as { client?: unknown };
    if (Object.keys(rest).length > 0) return undefined;
    if (client === undefined) return {};
    const text = claim(client);
    return text === undefined ? undefined : { client: text };
  },
  duration_ms: count,
  exit: count,
  kept_from: count,
  anchor: matching(/^[0-9a-f]{64}$/),
};

const order = Object.keys(members) as (keyof AuditEvent)[];

/** What JSON leaves in and a terminal might act on, or a reader not see. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * The line without its number and its link: `"time":…,"event":…` up to the last member. Throws
 * `ERR_INTERNAL` for a member or a form that the type does not have, so that nothing gets in by a cast.
 */
export function encodeEvent(event: AuditEvent, time: number): string {
  for (const key of Object.keys(event)) {
    if (!Object.hasOwn(members, key)) throw refuse('a member that it may not have');
  }
  const line: Record<string, unknown> = { time: new Date(time).toISOString() };
  for (const key of order) {
    const value = event[key];
    if (value === undefined) continue;
    const checked = members[key](value);
    if (checked === undefined) throw refuse(`a ${key} of a form that it may not have`);
    line[key] = checked;
  }
  // Without its braces.
  return printable(JSON.stringify(line).slice(1, -1));
}

/** How a text stands in a line, quotes included. */
export function jsonText(text: string): string {
  return printable(JSON.stringify(text));
}

/** What a terminal might act on, or a reader not see, as an escape of JSON; the rest as it is. */
export function printable(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : text.replaceAll(unprintable, escape);
}

/**
 * Puts number and link around it, and with a key a MAC over all of that: by way of `prev` it covers every
 * line before. The line feed is not part of the line.
 */
export function linkLine(body: string, seq: number, prev: string, key?: MacKey): string {
  const text = `{"v":1,"seq":${seq},${body},"prev":"${prev}"`;
  return key === undefined ? `${text}}` : `${text},"mac":"${macOf(key, text)}"}`;
}

function escape(text: string): string {
  return Array.from({ length: text.length }, (_, index) => {
    return `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}

function refuse(what: string): BrokerError {
  return new BrokerError('ERR_INTERNAL', `an audit line has ${what}`, {
    hint: 'this is a bug: please report it with the output of `mcp daemon logs`',
  });
}
