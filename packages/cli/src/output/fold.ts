import type { Style } from './print.ts';

/** One line to show: what it is about, padded, and the text, already escaped. */
export interface Line {
  readonly head: string;
  readonly text: string;
  /** Never alone: what is coloured is also said. */
  readonly style?: Style;
}

/** Labels and texts as lines, the texts below each other. */
export function aligned(
  entries: readonly (readonly [label: string, text: string, style?: Style])[],
): Line[] {
  const widest = entries.reduce((most, [label]) => Math.max(most, label.length), 0);
  return entries.map(([label, text, style]) => ({
    head: `${label.padEnd(widest)}  `,
    text,
    ...(style === undefined ? {} : { style }),
  }));
}

/** As it stands where nothing has a width. */
export function unfolded(lines: readonly Line[]): string {
  return lines.map(({ head, text }) => `${head}${text}`.trimEnd() + '\n').join('');
}

/**
 * The line in rows of at most `columns`. All but the first begin with spaces and `| `: were the terminal
 * to break the line, whoever wrote the text could have a row of it begin with words of ours.
 */
export function fold({ head, text }: Line, columns: number): string[] {
  const indent = head.length + 8 < columns ? Math.max(head.length, 2) : 2;
  const rows: string[] = [];
  let row = head;
  let used = head.length;
  for (const character of text) {
    const width = widthOf(character);
    if (used + width > columns && used > indent) {
      rows.push(row);
      row = `${' '.repeat(indent - 2)}| `;
      used = indent;
    }
    row += character;
    used += width;
  }
  rows.push(row.trimEnd());
  return rows;
}

/** Never less than the terminal takes: a character outside ASCII takes two columns at most. */
function widthOf(character: string): number {
  return character.charCodeAt(0) < 0x80 ? 1 : 2;
}
