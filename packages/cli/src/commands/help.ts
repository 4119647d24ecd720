import type { Help } from 'commander';

const indent = 2;
const gap = 2;
/** Narrower than that no text is put beside its term. */
const least = 24;

/** Of the terminal; 80 where there is none, or one that does not say. */
export function columnsOf(stream: { readonly columns?: number }): number {
  return stream.columns || 80;
}

/** Rows below each other, beside the title. */
export function styleUsage(this: Help, usage: string): string {
  const margin = 'Usage: '.length;
  return this.boxWrap(usage, (this.helpWidth ?? 80) - margin).replaceAll(
    '\n',
    `\n${' '.repeat(margin)}`,
  );
}

/** A term and what it is: side by side, or one below the other where there is little room. */
export function formatItem(term: string, widest: number, text: string, helper: Help): string {
  const width = helper.helpWidth ?? 80;
  const beside = width - indent - widest - gap;
  const shown = ' '.repeat(indent) + term;
  if (text === '') return shown;
  const [margin, columns, first] =
    beside < least
      ? [indent + 4, width - indent - 4, `${shown}\n`]
      : [indent + widest + gap, beside, shown.padEnd(indent + widest + gap)];
  const rows = helper.boxWrap(text, columns).split('\n');
  const below = rows.map((row) => ' '.repeat(margin) + row).join('\n');
  return beside < least ? first + below : first + below.trimStart();
}
