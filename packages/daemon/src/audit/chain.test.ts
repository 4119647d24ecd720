import { describe, expect, test } from 'vitest';
import { testKey, verifyChain } from '../testing/verify-chain.ts';
import type { AuditEvent } from './event.ts';
import { encodeEvent, linkLine } from './line.ts';
import { hashLine, origin, readLink, type Head } from './link.ts';
import type { MacKey } from './mac.ts';

const launch: AuditEvent = { event: 'launch', outcome: 'allowed', server: 'github' };

/** A line each, with a MAC where a key stands beside it. */
function chain(
  entries: readonly (readonly [AuditEvent, MacKey?])[],
  after: Head = origin,
): { lines: string[]; head: Head } {
  let head = after;
  const lines = entries.map(([event, key]) => {
    const line = linkLine(encodeEvent(event, 0), head.seq + 1, head.hash, key);
    head = { seq: head.seq + 1, hash: hashLine(line) };
    return line;
  });
  return { lines, head };
}

const many = (length: number): [AuditEvent][] => Array.from({ length }, () => [launch]);
const one = (event: AuditEvent['event'], more: Partial<AuditEvent> = {}): AuditEvent => ({
  event,
  outcome: 'allowed',
  ...more,
});

test('a whole chain is whole, and begins with number 1', () => {
  const { lines, head } = chain(many(100));
  expect(verifyChain(lines, { head })).toEqual({ ok: true, head });
  expect(verifyChain([], {})).toEqual({ ok: true, head: origin });
  expect(verifyChain(chain(many(10), head).lines)).toEqual({
    ok: false,
    line: 1,
    problem: 'has number 101 where 1 is due',
  });
});

test.each<[string, (lines: string[]) => string[], number]>([
  ['a changed line', (lines) => lines.with(4, (lines[4] ?? '').replace('github', 'gitlab')), 6],
  ['a removed line', (lines) => lines.toSpliced(4, 1), 5],
  ['a line twice', (lines) => lines.toSpliced(4, 0, lines[4] ?? ''), 6],
  [
    'two lines the other way round',
    (lines) => lines.toSpliced(4, 2, lines[5] ?? '', lines[4] ?? ''),
    5,
  ],
  ['no first line', (lines) => lines.slice(1), 1],
  ['something else', (lines) => lines.with(4, 'null'), 5],
  ['an empty line', (lines) => lines.toSpliced(4, 0, ''), 5],
  ['no last lines', (lines) => lines.slice(0, 8), 9],
  [
    'a changed last line',
    (lines) => lines.with(9, (lines[9] ?? '').replace('github', 'gitlab')),
    10,
  ],
])('finds %s', (_name, change, line) => {
  const { lines, head } = chain(many(10));
  expect(verifyChain(change(lines), { head })).toMatchObject({ ok: false, line });
});

describe('with the keys', () => {
  const key = testKey();

  test.each<[string, readonly (readonly [AuditEvent, MacKey?])[]]>([
    ['lines after a lock', [[launch, key], [one('lock'), key], [launch]]],
    ['a start after a stop', [[launch, key], [one('stop'), key], [one('start')]]],
    ['a start after a daemon that was killed', [[launch, key], [one('start')], [launch]]],
    ['an unlock', [[launch], [one('unlock'), key], [launch, key]]],
  ])('%s may be as it is', (_name, entries) => {
    const { lines, head } = chain(entries);
    expect(verifyChain(lines, { head, key })).toEqual({ ok: true, head });
  });

  test.each<[string, readonly (readonly [AuditEvent, MacKey?])[], string]>([
    [
      'without a MAC between an unlock and a lock',
      [[one('unlock'), key], [launch], [one('lock'), key]],
      'has no MAC although the keys were there',
    ],
    [
      'of a lock that has no MAC itself',
      [[launch, key], [one('lock')], [launch]],
      'has no MAC although the keys were there',
    ],
    [
      'of a lock that failed',
      [[{ event: 'lock', outcome: 'failed' }, key], [launch]],
      'has no MAC although the keys were there',
    ],
    [
      'with a MAC of another key',
      [
        [launch, key],
        [launch, testKey(8)],
      ],
      'has a MAC that is wrong',
    ],
    [
      'that removes files and has no MAC',
      [[launch], [one('expire', { kept_from: 1, anchor: origin.hash })]],
      'removes files without a MAC',
    ],
  ])('a line %s is found', (_name, entries, problem) => {
    const { lines, head } = chain(entries);
    expect(verifyChain(lines, { head, key })).toMatchObject({ ok: false, line: 2, problem });
  });

  test('the first line may be a later one when a line with a MAC says so, and names the one before', () => {
    const before: Head = { seq: 10, hash: 'a'.repeat(64) };
    const log = (event: AuditEvent): unknown =>
      verifyChain(chain([[launch], [event, key], [launch, key]], before).lines, { key });
    const missing = { ok: false, line: 1, problem: 'has number 11 where 1 is due' };
    expect(log(one('expire', { kept_from: 11, anchor: before.hash }))).toMatchObject({ ok: true });
    // What was to go and is there still.
    expect(log(one('expire', { kept_from: 12, anchor: 'b'.repeat(64) }))).toMatchObject({
      ok: true,
    });
    expect(log(one('expire', { kept_from: 10, anchor: before.hash }))).toEqual(missing);
    expect(log(launch)).toEqual(missing);
    expect(log(one('expire', { kept_from: 11, anchor: 'b'.repeat(64) }))).toMatchObject({
      ok: false,
      line: 2,
    });
  });
});

test.each([
  '',
  '{',
  '[]',
  '7',
  '{"v":2,"seq":1,"prev":""}',
  '{"v":1,"seq":1.5,"prev":""}',
  '{"v":1,"seq":1}',
  `{"v":1,"seq":1,"prev":"${origin.hash}"}`,
])('%j is no line of a log', (line) => {
  expect(readLink(Buffer.from(line))).toBeUndefined();
});

test('what a caller claims is no end of a line, and no MAC', () => {
  const server = `"prev":"${'a'.repeat(64)}","mac":"${'b'.repeat(64)}"}`;
  const { lines } = chain([[{ ...launch, server }]]);
  expect(readLink(Buffer.from(lines[0] ?? ''))).toMatchObject({
    prev: origin.hash,
    mac: undefined,
  });
});
