import { fold, type Line } from './fold.ts';
import type { Style } from './print.ts';
import type { Terminal } from './prompt.ts';

/**
 * Shows lines on the terminal, a page at a time when it has not as many rows, so that the last of them
 * stand directly above what is asked next. It is our own: a program that `$PAGER` names could show
 * something else. Gives whether all of it was shown, and whether that took more than one page.
 */
export async function page(
  terminal: Terminal,
  lines: readonly Line[],
  paint: (style: Style, text: string) => string,
): Promise<'whole' | 'paged' | 'quit'> {
  const next = reader(lines, paint);
  let { columns, rows } = terminal.size();
  let count = rows - 1;
  for (let paged = false; ; paged = true) {
    terminal.write(next.rows(count, columns));
    if (next.left() === 0) return paged ? 'paged' : 'whole';
    const key = await terminal.key(prompt(lines.length - next.left(), lines.length, columns));
    if (key === 'quit') return 'quit';
    ({ columns, rows } = terminal.size());
    count = key === 'line' ? 1 : rows - 1;
  }
}

/** The longest that fits: a prompt that the terminal breaks could not be taken back. */
function prompt(shown: number, all: number, columns: number): string {
  const short = '-- more -- ';
  const where = `${short}${shown} of ${all} lines `;
  const keys = `${where}(space: page, enter: line, q: give up) `;
  return [keys, where].find((text) => text.length < columns) ?? short;
}

interface Reader {
  /** The next rows, each with its end. */
  rows(count: number, columns: number): string;
  /** Lines of which something is left. */
  left(): number;
}

/** Folds as it goes: a request may have more lines than anybody wants folded at once. */
function reader(lines: readonly Line[], paint: (style: Style, text: string) => string): Reader {
  let at = 0;
  let folded: string[] = [];
  let width = 0;
  return {
    rows(count, columns) {
      if (width !== columns && folded.length > 0) {
        // The terminal was made wider or narrower within a line: that line is shown anew.
        at -= 1;
        folded = [];
      }
      width = columns;
      let shown = '';
      for (let row = 0; row < count; row++) {
        const line = lines[at];
        if (folded.length === 0) {
          if (line === undefined) break;
          const { style } = line;
          const whole = fold(line, columns);
          folded = style === undefined ? whole : whole.map((text) => paint(style, text));
          at += 1;
        }
        shown += `${folded.shift() ?? ''}\n`;
      }
      return shown;
    },
    left: () => lines.length - at + (folded.length > 0 ? 1 : 0),
  };
}
