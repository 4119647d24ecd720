import { describe, expect, test } from 'vitest';

import type { Line } from './fold.ts';
import type { Key } from './key-reader.ts';
import { page } from './pager.ts';
import type { Terminal } from './prompt.ts';

interface Shown {
  readonly terminal: Terminal;
  /** What was written, page by page, and the prompts between. */
  readonly pages: string[];
  readonly prompts: string[];
}

function terminalOf(
  keys: readonly Key[],
  sizes: readonly [rows: number, columns: number][],
): Shown {
  const pages: string[] = [];
  const prompts: string[] = [];
  let asked = 0;
  const terminal: Terminal = {
    write: (text) => {
      pages.push(String(text));
    },
    size() {
      const [rows, columns] = sizes[Math.min(asked, sizes.length - 1)] ?? [24, 80];
      return { rows, columns };
    },
    async key(prompt) {
      prompts.push(prompt);
      return keys[asked++] ?? 'quit';
    },
    ask: async () => Buffer.alloc(0),
    close: () => {},
  };
  return { terminal, pages, prompts };
}

const lines = (count: number): Line[] =>
  Array.from({ length: count }, (_, index) => ({ head: '', text: `line ${index}` }));
const plain = (_style: string, text: string): string => text;
const rowsOf = (pages: readonly string[]): number[] =>
  pages.map((text) => text.split('\n').length - 1);

describe('a text on the terminal', () => {
  test.each([0, 1, 9])('of %i lines on ten rows is shown at once', async (count) => {
    const { terminal, pages, prompts } = terminalOf([], [[10, 80]]);
    expect(await page(terminal, lines(count), plain)).toBe('whole');
    expect({ rows: rowsOf(pages), prompts }).toEqual({ rows: [count], prompts: [] });
  });

  test('that has more of them goes on by page and by line, to its end', async () => {
    const keys: Key[] = ['line', 'page', 'page'];
    const { terminal, pages, prompts } = terminalOf(keys, [[10, 80]]);
    expect(await page(terminal, lines(25), plain)).toBe('paged');
    expect(rowsOf(pages)).toEqual([9, 1, 9, 6]);
    expect(pages.join('')).toBe(
      lines(25)
        .map(({ text }) => `${text}\n`)
        .join(''),
    );
    expect(prompts[0]).toBe('-- more -- 9 of 25 lines (space: page, enter: line, q: give up) ');
  });

  test('is given up by q, and nothing more of it is shown', async () => {
    const { terminal, pages } = terminalOf(['page', 'quit'], [[5, 80]]);
    expect(await page(terminal, lines(100), plain)).toBe('quit');
    expect(rowsOf(pages)).toEqual([4, 4]);
  });

  test('of one endless line goes by its rows', async () => {
    const { terminal, pages } = terminalOf(['page', 'page'], [[5, 20]]);
    const endless = [{ head: 'a  ', text: 'x'.repeat(150) }];
    expect(await page(terminal, endless, plain)).toBe('paged');
    expect(rowsOf(pages)).toEqual([4, 4, 1]);
  });

  test.each([
    [80, '-- more -- 4 of 9 lines (space: page, enter: line, q: give up) '],
    [60, '-- more -- 4 of 9 lines '],
    [20, '-- more -- '],
  ])('of %i columns has a prompt that fits', async (columns, says) => {
    const { terminal, prompts } = terminalOf([], [[5, columns]]);
    await page(terminal, lines(9), plain);
    expect(prompts).toEqual([says]);
  });

  test('whose terminal becomes narrower shows the line at hand anew', async () => {
    const { terminal, pages } = terminalOf(
      ['page', 'page'],
      [
        [3, 40],
        [5, 20],
      ],
    );
    const endless = [{ head: '', text: 'a'.repeat(40) + 'b'.repeat(40) + 'c'.repeat(40) }];
    await page(terminal, endless, plain);
    expect(pages[0]).toContain('b');
    expect(pages[1]).toMatch(/^a{20}\n/u);
    for (const row of pages[1]?.split('\n') ?? []) expect(row.length).toBeLessThanOrEqual(20);
  });

  test('is coloured row by row', async () => {
    const { terminal, pages } = terminalOf([], [[10, 20]]);
    const line: Line = { head: '', text: 'x'.repeat(30), style: 'red' };
    await page(terminal, [line], (style, text) => `<${style}>${text}</>`);
    expect(pages[0]).toMatch(/^<red>x{20}<\/>\n<red>\| x{10}<\/>\n$/u);
  });

  test('has ten thousand lines shown in no time to speak of', async () => {
    const keys: Key[] = Array.from({ length: 10_000 }, () => 'page');
    const { terminal, pages } = terminalOf(keys, [[24, 80]]);
    const started = performance.now();
    expect(await page(terminal, lines(10_000), plain)).toBe('paged');
    expect(pages).toHaveLength(Math.ceil(10_000 / 23));
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
