import type { ArgumentSpec, OptionSpec } from '../../packages/cli/src/commands/spec.ts';
import { globalOptions } from '../../packages/cli/src/commands/tree.ts';
import { version } from '../../packages/cli/src/version.ts';
import { about, environment, exits, files, pages, type Entry, type Page } from './pages.ts';

/** Every manual page in mdoc(7), by the name of its file, with the day that it was made on. */
export function manualPages(made: Date): ReadonlyMap<string, string> {
  const month = made.toLocaleString('en', { month: 'long', timeZone: 'UTC' });
  const day = `${month} ${made.getUTCDate()}, ${made.getUTCFullYear()}`;
  return new Map([
    ...['mcp', 'mcp-broker'].map((name) => [`${name}.1`, mainPage(name, day)] as const),
    ...pages.map((page) => [`mcp-${page.name}.1`, commandPage(page, day)] as const),
  ]);
}

function mainPage(name: string, day: string): string {
  const commands = pages.map((page) => `.It Xr mcp-${page.name} 1\n${text(page.summary)}\n`);
  return [
    heading(name, about, day),
    '.Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n',
    '.Sh DESCRIPTION\n.Nm\n',
    text(`${about}. The daemon that holds them starts on first use. The commands are:`),
    `\n.Bl -tag -width Ds\n${commands.join('')}.El\n`,
    `.Pp\nThese options are taken by every command:\n${optionList(globalOptions)}`,
    `.Sh ENVIRONMENT\n${list('Ev', environment)}`,
    `.Sh FILES\n${list('Pa', files)}`,
    `.Sh EXIT STATUS\nThat of a server that ran, with\n.Xr mcp-exec 1 ;\nelse:\n${list('Li', exits)}`,
    `.Sh SEE ALSO\n${pages
      .map((page) => `.Xr mcp-${page.name} 1`)
      .toSorted()
      .join(' ,\n')}\n`,
  ].join('');
}

function commandPage({ name, summary, alone, isGroup, entries }: Page, day: string): string {
  const [first] = entries;
  if (first === undefined) return '';
  const standsFor =
    alone === undefined ? '' : `.Pp\n${text(`mcp ${name} alone is mcp ${name} ${alone}.`)}\n`;
  const described = isGroup
    ? `${text(`${summary}.`)}\n${standsFor}${entries.map((entry) => `.Ss ${macro(entry.command)}\n${description(entry)}`).join('')}`
    : description(first);
  return [
    heading(`mcp-${name}`, summary, day),
    `.Sh SYNOPSIS\n${entries.map(synopsis).join('')}`,
    `.Sh DESCRIPTION\n${described}`,
    `.Sh EXAMPLES\n${entries.map(({ spec }) => literal(spec.example)).join('')}`,
    '.Sh SEE ALSO\n.Xr mcp 1\n',
  ].join('');
}

function heading(name: string, summary: string, day: string): string {
  return `.Dd ${day}\n.Dt ${name.toUpperCase()} 1\n.Os MCP Broker ${version}\n.Sh NAME\n.Nm ${name}\n.Nd ${macro(summary)}\n`;
}

function synopsis({ command, spec }: Entry): string {
  const [, ...words] = command.split(' ');
  return [
    '.Nm mcp',
    `.Cm ${words.map(macro).join(' ')}`,
    ...(spec.options === undefined ? [] : ['.Op Ar options']),
    ...(spec.arguments ?? []).map(([name]) => `.Ar ${macro(name)}`),
    '',
  ].join('\n');
}

function description({ spec }: Entry): string {
  const paragraphs = (spec.details ?? '').split('\n\n').filter((paragraph) => paragraph !== '');
  return [
    `${text(capital(spec.summary))}\n`,
    ...paragraphs.map((paragraph) => `.Pp\n${text(paragraph)}\n`),
    argumentList(spec.arguments ?? []),
    optionList(spec.options ?? []),
  ].join('');
}

function capital(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function argumentList(specs: readonly ArgumentSpec[]): string {
  return list('Ar', specs);
}

function optionList(specs: readonly OptionSpec[]): string {
  const items = specs.map(([flags, meaning]) => {
    const [names = '', value] = flags.split(/ <|>/u);
    const shown = names.split(', ').map((name) => `Fl ${macro(name.slice(1))}`);
    return `.It ${shown.join(' , ')}${value === undefined ? '' : ` Ar ${macro(value)}`}\n${text(meaning)}\n`;
  });
  return items.length === 0 ? '' : `.Bl -tag -width Ds\n${items.join('')}.El\n`;
}

function list(style: string, rows: readonly (readonly [string, string, ...unknown[]])[]): string {
  const items = rows.map(([name, meaning]) => `.It ${style} ${macro(name)}\n${text(meaning)}\n`);
  return items.length === 0 ? '' : `.Bl -tag -width Ds\n${items.join('')}.El\n`;
}

function literal(example: string): string {
  return `.Bd -literal -offset indent\n${example.split('\n').map(line).join('\n')}\n.Ed\n`;
}

/** Running text: each sentence begins a line, no line is long, and none looks like a request. */
function text(words: string): string {
  return words
    .replaceAll(/([.:?]) +(?=[A-Z])/g, '$1\n')
    .split('\n')
    .flatMap((sentence) => sentence.match(/.{1,68}(?: |$)|[^ ]+ ?/gu) ?? [])
    .map((row) => line(row.trimEnd()))
    .join('\n');
}

function line(words: string): string {
  const escaped = escape(words);
  return /^[.']/u.test(escaped) ? `\\&${escaped}` : escaped;
}

/** One argument of a macro. */
function macro(words: string): string {
  const escaped = escape(words);
  return /[ "]/u.test(escaped) ? `"${escaped}"` : escaped;
}

const special: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

/** So that what is shown is what was written: a hyphen as typed, no curved quotes. */
function escape(words: string): string {
  return words.replaceAll(/[\\\-'`^~"]|[^\n -~]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return special[character] ?? `\\[u${point.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}
