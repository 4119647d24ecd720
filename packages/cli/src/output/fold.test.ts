import { describe, expect, test } from 'vitest';

import { aligned, fold, unfolded } from './fold.ts';

describe('a line', () => {
  const [line = { head: '', text: '' }] = aligned([['argument 1', `"${'x'.repeat(90)}"`]]);

  test('is folded behind its label, where no text can begin a row', () => {
    const rows = fold(line, 40);
    expect(rows).toHaveLength(4);
    expect(rows[0]).toBe(`argument 1  "${'x'.repeat(27)}`);
    expect(rows[1]).toBe(`          | ${'x'.repeat(28)}`);
    expect(rows.slice(1).every((row) => row.startsWith('          | '))).toBe(true);
  });

  test.each([
    ['letters', 'x'],
    ['wide ones', '漢'],
    ['pairs of units', '🙂'],
    ['marks', 'é\u0301'],
  ])('keeps every one of its %s, in rows that fit', (_what, unit) => {
    const text = unit.repeat(500);
    for (const columns of [12, 20, 21, 80]) {
      const rows = fold({ head: 'head  ', text }, columns);
      expect(rows.map((row) => row.replace(/^(head {2}| *\| )/u, '')).join('')).toBe(text);
      for (const row of rows) {
        const wide = Array.from(row).filter((letter) => letter > '\u007f').length;
        expect(Array.from(row).length + wide).toBeLessThanOrEqual(columns);
      }
    }
  });

  test('stands whole where nothing has a width', () => {
    expect(unfolded([line, { head: 'a  ', text: '' }])).toBe(`${line.head}${line.text}\na\n`);
  });
});
