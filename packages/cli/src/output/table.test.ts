import { describe, expect, test } from 'vitest';

import { pairs, table } from './table.ts';
import { widthOf } from './width.ts';

test('a table has columns as wide as their longest cell, and no spaces at the ends of lines', () => {
  const rows = [
    ['API_TOKEN', 'sealed', undefined],
    ['K', 'sealed', '3m'],
  ];
  expect(table(['NAME', 'BACKEND', 'AGE'], rows, undefined)).toBe(
    'NAME       BACKEND  AGE\nAPI_TOKEN  sealed   -\nK          sealed   3m\n',
  );
});

test('B19: a cell cannot leave its row', () => {
  expect(table(['A', 'B'], [['x\ny', '\u001b[31m']], undefined)).toBe('A     B\nx\\ny  \\e[31m\n');
});

test('an empty table is its headings', () => {
  expect(table(['NAME', 'AGE'], [], undefined)).toBe('NAME  AGE\n');
});

test('pairs have their values below each other', () => {
  expect(
    pairs(
      [
        ['name', 'K'],
        ['x', undefined],
      ],
      undefined,
    ),
  ).toBe('name  K\nx     -\n');
});

describe('on a terminal', () => {
  const headings = ['NAME', 'BACKEND', 'COMMAND'];
  const rows = [
    ['API_TOKEN', 'sealed', 'node /a/very/long/path/to/a/server.js --with arguments'],
    ['K', 'a-backend-of-a-long-name', undefined],
  ];

  test.each([
    [80, 'API_TOKEN  sealed                    node /a/very/long/pat…r.js --with arguments'],
    [50, 'API_TOKEN  sealed               node /a/v…rguments'],
    [40, 'API_TOKEN  sealed          node /…uments'],
  ])('%i columns are enough: long cells lose their middle', (columns, line) => {
    const lines = table(headings, rows, columns).trimEnd().split('\n');
    expect(lines).toContain(line);
    for (const one of lines) expect(widthOf(one)).toBeLessThanOrEqual(columns);
  });

  test('what fits is as it would be in a pipe', () => {
    expect(table(headings, rows, 200)).toBe(table(headings, rows, undefined));
  });

  test('the first column is whole, and where it leaves no room each row is a block', () => {
    const name = 'N'.repeat(30);
    expect(
      table(
        ['NAME', 'STATE'],
        [
          [name, 'ready'],
          ['B', '漢'.repeat(9)],
        ],
        30,
      ),
    ).toBe(
      [
        `NAME   ${'N'.repeat(23)}`,
        `     | ${'N'.repeat(7)}`,
        'STATE  ready',
        '',
        'NAME   B',
        `STATE  ${'漢'.repeat(9)}`,
        '',
      ].join('\n'),
    );
  });

  test('B19: a mark of a look-alike is never cut away', () => {
    const rowsOf = (columns: number): string =>
      table(['ID', 'SERVER', 'COMMAND'], [['A', 'g\u0456thub', 'x'.repeat(90)]], columns);
    for (const columns of [20, 40, 60, 80]) {
      expect(rowsOf(columns).replaceAll(/\n *\| /gu, '')).toContain(
        '<look-alike: contains U+0456>',
      );
    }
    expect(rowsOf(60).split('\n')).toHaveLength(3);
  });

  test('wide characters count twice, marks not at all', () => {
    const text = table(
      ['A', 'B'],
      [
        ['漢字', 'x'],
        ['e\u0301', 'y'],
        ['🙂', 'z'],
      ],
      80,
    );
    expect(text).toBe('A     B\n漢字  x\ne\u0301     y\n🙂    z\n');
    for (const columns of [20, 21, 22, 23]) {
      const cut = table(['A', 'B'], [['a', '漢'.repeat(40)]], columns)
        .trimEnd()
        .split('\n');
      expect(widthOf(cut[1] ?? '')).toBeGreaterThanOrEqual(columns - 1);
      expect(widthOf(cut[1] ?? '')).toBeLessThanOrEqual(columns);
    }
  });
});
