import { expect, test } from 'vitest';
import { hashLine, origin, readLink, verifyChain, type Head } from './chain.ts';
import { linkLine } from './line.ts';

function chain(length: number, after: Head = origin): { lines: string[]; head: Head } {
  let head = after;
  const lines = Array.from({ length }, (_, index) => {
    const line = linkLine(`"event":"launch","n":${index}`, head.seq + 1, head.hash);
    head = { seq: head.seq + 1, hash: hashLine(line) };
    return line;
  });
  return { lines, head };
}

test('a whole chain is whole, from its first line or from a later one', () => {
  const { lines, head } = chain(100);
  expect(verifyChain(lines, { head })).toEqual({ ok: true, head });
  expect(verifyChain([], {})).toEqual({ ok: true, head: origin });
  const later = chain(10, head);
  expect(verifyChain(later.lines, { after: head, head: later.head })).toMatchObject({ ok: true });
  expect(verifyChain(later.lines)).toEqual({
    ok: false,
    line: 1,
    problem: 'has number 101 where 1 is due',
  });
});

test.each<[string, (lines: string[]) => string[], number]>([
  ['a changed line', (lines) => lines.with(4, (lines[4] ?? '').replace('launch', 'revoke')), 6],
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
    (lines) => lines.with(9, (lines[9] ?? '').replace('launch', 'revoke')),
    10,
  ],
])('finds %s', (_name, change, line) => {
  const { lines, head } = chain(10);
  expect(verifyChain(change(lines), { head })).toMatchObject({ ok: false, line });
});

test('a thousand changes of one character are all found, at the line or the one after it', () => {
  const { lines, head } = chain(50);
  const text = lines.join('\n');
  let seed = 7;
  for (let round = 0; round < 1000; round++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const at = (seed >>> 4) % text.length;
    const other = String.fromCharCode(33 + ((text.charCodeAt(at) - 33 + 1 + (seed % 90)) % 93));
    const changed = `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
    const verdict = verifyChain(changed.split('\n'), { head });
    const line = text.slice(0, at).split('\n').length;
    expect([line, line + 1]).toContain(verdict.ok ? 0 : verdict.line);
  }
});

test.each([
  '',
  '{',
  '[]',
  '7',
  '{"v":2,"seq":1,"prev":""}',
  '{"v":1,"seq":1.5,"prev":""}',
  '{"v":1,"seq":1}',
])('%j is no line of a log', (line) => {
  expect(readLink(line)).toBeUndefined();
});
