import { expect, test } from 'vitest';
import { encodeEvent } from './line.ts';
import type { AuditEvent } from './event.ts';

const base: AuditEvent = { event: 'launch', outcome: 'allowed' };
const encode = (event: object): unknown => JSON.parse(`{${encodeEvent({ ...base, ...event }, 0)}}`);

test('a line has its members in one order, whatever order they came in', () => {
  const event: AuditEvent = {
    duration_ms: 3,
    claims: { client: 'mcp 1.0' },
    uid: 1000,
    pid: 42,
    fingerprint: 'ab'.repeat(32),
    age_ms: 12.4,
    cached: 1,
    backend: 'sealed',
    variables: ['GITHUB_TOKEN', '$<vault:secret/a#b@3>', '$<X>'],
    server: 'github',
    launch: '0123456789abcdef',
    code: 'ERR_LOCKED',
    outcome: 'denied',
    event: 'deny',
  };
  expect(encodeEvent(event, Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe(
    '"time":"2026-01-02T03:04:05.006Z","event":"deny","outcome":"denied","code":"ERR_LOCKED",' +
      '"launch":"0123456789abcdef","server":"github",' +
      '"variables":["GITHUB_TOKEN","$<vault:secret/a#b@3>","$<X>"],"backend":"sealed","cached":1,' +
      `"age_ms":12,"fingerprint":"${'ab'.repeat(32)}","pid":42,"uid":1000,` +
      '"claims":{"client":"mcp 1.0"},"duration_ms":3',
  );
});

test.each<[string, object]>([
  ['a member of another name', { value: 'hunter2' }],
  ['a member of a claim of another name', { claims: { client: 'x', token: 'hunter2' } }],
  ['a claim that is no object', { claims: 'hunter2' }],
  ['a claim that is no text', { claims: { client: 7 } }],
  ['another event', { event: 'hunter2' }],
  ['an event of every object', { event: 'constructor' }],
  ['another outcome', { outcome: 'hunter2' }],
  ['another code', { code: 'ERR_HUNTER2' }],
  ['a variable that is no name', { variables: ['hunter 2'] }],
  ['a variable that is no reference', { variables: ['$<X:-hunter2>'] }],
  ['a variable that is bytes', { variables: [Buffer.from('hunter2')] }],
  ['variables that are one text', { variables: 'X' }],
  ['a backend that is no name', { backend: 'hunter 2' }],
  ['a backend that is long', { backend: 'x'.repeat(300) }],
  ['a fingerprint that is text', { fingerprint: 'hunter 2' }],
  ['a launch id with a line feed', { launch: 'a\n' }],
  ['a number that is text', { pid: '7' }],
  ['a number that is none', { pid: NaN }],
  ['a number below 0', { age_ms: -1 }],
  ['an endless number', { age_ms: Infinity }],
  ['null', { server: null }],
])('%s is refused, and not repeated', (_name, event) => {
  const attempt = (): unknown => encode(event);
  expect(attempt).toThrow(/^an audit line has a/);
  expect(attempt).not.toThrow(/hunter/i);
});

test('what a caller claims is cut, so that it cannot keep its line out of the log', () => {
  const { server, claims } = encode({
    server: 'x'.repeat(10_000),
    claims: { client: 'y'.repeat(257) },
  }) as {
    server: string;
    claims: { client: string };
  };
  expect(server).toBe(`${'x'.repeat(255)}…`);
  expect(claims.client).toBe(`${'y'.repeat(255)}…`);
});

test.each([
  ['a line feed', 'a\nb'],
  ['a CR', 'a\rb'],
  ['an escape', '\x1b[2J'],
  ['DEL', '\x7f'],
  ['C1', '\x9b2J'],
  ['a right-to-left override', 'a\u202eb'],
  ['a zero-width space', 'a\u200bb'],
  ['a line separator', 'a\u2028b'],
  ['half a surrogate pair', 'a\ud800b'],
  ['a tag character', 'a\u{e0041}b'],
])('B19: %s is written as an escape', (_name, server) => {
  const line = encodeEvent({ ...base, server }, 0);
  expect(line).toMatch(/^[\x20-\x7e]*$/);
  expect(encode({ server })).toMatchObject({ server });
});

test('letters of every language stay as they are', () => {
  expect(encodeEvent({ ...base, server: 'café 名前 👍' }, 0)).toContain('"server":"café 名前 👍"');
});
