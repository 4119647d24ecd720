import { expect, test } from 'vitest';

import { pairs, table } from './table.ts';

test('a table has columns as wide as their longest cell, and no spaces at the ends of lines', () => {
  const rows = [
    ['API_TOKEN', 'sealed', undefined],
    ['K', 'sealed', '3m'],
  ];
  expect(table(['NAME', 'BACKEND', 'AGE'], rows)).toBe(
    'NAME       BACKEND  AGE\nAPI_TOKEN  sealed   -\nK          sealed   3m\n',
  );
});

test('B19: a cell cannot leave its row', () => {
  expect(table(['A', 'B'], [['x\ny', '\u001b[31m']])).toBe('A     B\nx\\ny  \\e[31m\n');
});

test('an empty table is its headings', () => {
  expect(table(['NAME', 'AGE'], [])).toBe('NAME  AGE\n');
});

test('pairs have their values below each other', () => {
  expect(
    pairs([
      ['name', 'K'],
      ['x', undefined],
    ]),
  ).toBe('name  K\nx     -\n');
});
