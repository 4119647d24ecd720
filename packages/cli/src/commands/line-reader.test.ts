import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createLineReader, lastOf } from './line-reader.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-lines-'));
  file = join(folder, 'log');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a line is given once, when its end is there', () => {
  writeFileSync(file, 'one\ntw');
  const reader = createLineReader(file);
  expect(reader.read()).toEqual(['one']);
  expect(reader.read()).toEqual([]);
  appendFileSync(file, 'o\n\nfour\n');
  expect(reader.read()).toEqual(['two', '', 'four']);
  reader.close();
});

test('a character that was written in two halves is whole', () => {
  const bytes = Buffer.from('Grüße\n');
  writeFileSync(file, bytes.subarray(0, 3));
  const reader = createLineReader(file);
  expect(reader.read()).toEqual([]);
  appendFileSync(file, bytes.subarray(3));
  expect(reader.read()).toEqual(['Grüße']);
  reader.close();
});

test('a file that is cut short or replaced is read from its start', () => {
  writeFileSync(file, 'one\ntwo\n');
  const reader = createLineReader(file);
  reader.read();
  writeFileSync(file, 'x\n');
  expect(reader.read()).toEqual(['x']);
  writeFileSync(join(folder, 'next'), 'a new file\n');
  renameSync(join(folder, 'next'), file);
  expect(reader.read()).toEqual(['a new file']);
  reader.close();
});

test('of a long file the last MiB is read, from the first whole line on', () => {
  writeFileSync(file, `${'0123456789abcde\n'.repeat(100_000)}last\n`);
  const reader = createLineReader(file);
  const lines = reader.read();
  expect(lines.at(-1)).toBe('last');
  expect(lines.length).toBeGreaterThan(65_000);
  expect(new Set(lines)).toEqual(new Set(['0123456789abcde', 'last']));
  reader.close();
});

test('the last of several are the last, and the last none are none', () => {
  expect(lastOf([1, 2, 3], 2)).toEqual([2, 3]);
  expect(lastOf([1, 2, 3], 9)).toEqual([1, 2, 3]);
  expect(lastOf([1, 2, 3], 0)).toEqual([]);
});
