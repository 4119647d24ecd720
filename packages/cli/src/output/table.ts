import { mark } from './look-alike.ts';
import { escape } from './terminal.ts';

/**
 * Rows under upper-case headings, columns as wide as their longest cell, two spaces between. The
 * last column is not padded, so that no line ends in spaces. An empty cell shows as `-`.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const lines = [headings, ...rows.map((row) => row.map(cell))];
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((line) => width(line[column] ?? ''))),
  );
  return lines.map((line) => `${pad(line, widths)}\n`).join('');
}

/** For a list, where the whole of it would hide the rest: it says how much is left out. */
export function shortened(text: string, most: number = 60): string {
  const all = Array.from(text);
  if (all.length <= most) return text;
  return `${all.slice(0, most).join('')} (and ${all.length - most} more)`;
}

/** Names and values, one pair a line, the values below each other. */
export function pairs(entries: readonly (readonly [string, string | undefined])[]): string {
  const widest = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(widest)}  ${cell(value)}\n`).join('');
}

function cell(value: string | undefined): string {
  return value === undefined || value === '' ? '-' : `${escape(value)}${mark(value)}`;
}

function pad(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((text, column) => text + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(text))))
    .join('  ')
    .trimEnd();
}

/** In columns of a terminal, near enough: a character outside ASCII may be wider, never narrower. */
function width(text: string): number {
  return Array.from(text).length;
}
