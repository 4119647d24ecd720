import { fold } from './fold.ts';
import { mark } from './look-alike.ts';
import { escape } from './terminal.ts';
import { middleCut, widthOf } from './width.ts';

type Row = readonly (string | undefined)[];

/**
 * Rows under upper-case headings, columns as wide as their longest cell, two spaces between. The
 * last column is not padded, so that no line ends in spaces. An empty cell shows as `-`.
 *
 * With a number of columns (of a terminal) it fits into them: long cells lose their middle, but for those of
 * the first column, which are what one types, and those that are marked for a look-alike. Where that is not enough, each row becomes a block of lines,
 * with nothing left out.
 */
export function table(
  headings: readonly string[],
  rows: readonly Row[],
  columns: number | undefined,
): string {
  const cells = rows.map((row) => headings.map((_, column) => cell(row[column])));
  const widths = headings.map((heading, column) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), heading.length),
  );
  const narrowest = headings.map((heading, column) =>
    column === 0 ? (widths[0] ?? 0) : narrowestOf(heading, rows, column),
  );
  const fitting = columns === undefined ? widths : fit(widths, narrowest, columns);
  if (fitting === undefined) {
    return cells.length === 0 ? '' : blocks(headings, cells, columns ?? Infinity);
  }
  return [headings, ...cells].map((line) => `${pad(line, fitting)}\n`).join('');
}

/** Names and values, one pair a line, the values below each other; folded where they would not fit. */
export function pairs(
  entries: readonly (readonly [string, string | undefined])[],
  columns: number | undefined,
): string {
  return folded(
    entries.map(([name, value]) => [name, cell(value)]),
    columns ?? Infinity,
  );
}

/** A narrower column says too little. */
const least = 8;
const gap = 2;

/** Of a cell with a mark the mark must stay, and so nothing of it goes. */
function narrowestOf(heading: string, rows: readonly Row[], column: number): number {
  return rows.reduce(
    (most, row) => {
      const value = row[column] ?? '';
      return mark(value) === '' ? most : Math.max(most, widthOf(cell(value)));
    },
    Math.max(least, heading.length),
  );
}

/** Takes from the widest columns first; undefined when they cannot be made to fit. */
function fit(
  widths: readonly number[],
  narrowest: readonly number[],
  columns: number,
): readonly number[] | undefined {
  const room = columns - gap * (widths.length - 1);
  const floors = widths.map((width, column) => Math.min(width, narrowest[column] ?? 0));
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
  if (sum(floors) > room) return undefined;
  const capped = (cap: number): number[] =>
    widths.map((width, column) => Math.max(Math.min(width, cap), floors[column] ?? 0));
  let cap = Math.max(...widths);
  if (sum(widths) > room) cap = Math.min(cap, room);
  while (sum(capped(cap)) > room) cap -= 1;
  const fitted = capped(cap);
  // What rounding has left goes to the first that can use it.
  let left = room - sum(fitted);
  return fitted.map((width, column) => {
    const more = Math.min(left, (widths[column] ?? 0) - width);
    left -= more;
    return width + more;
  });
}

function blocks(headings: readonly string[], rows: readonly string[][], columns: number): string {
  return rows
    .map((row) =>
      folded(
        headings.map((heading, column) => [heading, row[column] ?? '']),
        columns,
      ),
    )
    .join('\n');
}

function folded(entries: readonly (readonly [string, string])[], columns: number): string {
  const widest = Math.max(0, ...entries.map(([name]) => name.length));
  return entries
    .flatMap(([name, text]) => fold({ head: `${name.padEnd(widest)}  `, text }, columns))
    .map((line) => `${line}\n`)
    .join('');
}

function cell(value: string | undefined): string {
  return value === undefined || value === '' ? '-' : `${escape(value)}${mark(value)}`;
}

function pad(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((text, column) => {
      const width = widths[column] ?? 0;
      const shown = middleCut(text, width);
      return shown + ' '.repeat(Math.max(0, width - widthOf(shown)));
    })
    .join(' '.repeat(gap))
    .trimEnd();
}
