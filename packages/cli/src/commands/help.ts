import type { Help, HelpConfiguration } from 'commander';

const indent = 2;
const gap = 2;
/** Narrower than that no text is put beside its term. */
const least = 24;

/** Of the terminal; 80 where there is none, or one that does not say. */
export function columnsOf(stream: { readonly columns?: number }): number {
  return stream.columns || 80;
}

/** How help is laid out: nothing is wider than the terminal but an example, which is to be copied. */
export const helpLayout: HelpConfiguration = {
  minWidthToWrap: 0,
  subcommandTerm: (inner) => inner.name(),
  formatItem,
  styleUsage(this: Help, usage) {
    const margin = 'Usage: '.length;
    const rows = this.boxWrap(usage, (this.helpWidth ?? 80) - margin);
    return rows.replaceAll('\n', `\n${' '.repeat(margin)}`);
  },
};

/** A term and what it is: side by side, or one below the other where there is little room. */
function formatItem(term: string, widest: number, text: string, helper: Help): string {
  const width = helper.helpWidth ?? 80;
  const column = indent + widest + gap;
  const shown = ' '.repeat(indent) + term;
  if (text === '') return shown;
  const isBeside = width - column >= least;
  const margin = isBeside ? column : indent + 4;
  const rows = helper.boxWrap(text, width - margin).split('\n');
  const below = rows.map((row) => ' '.repeat(margin) + row).join('\n');
  return isBeside ? shown.padEnd(column) + below.trimStart() : `${shown}\n${below}`;
}
