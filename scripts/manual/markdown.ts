import { globalOptions } from '../../packages/cli/src/commands/tree.ts';
import { about, environment, exits, files, pages, type Entry, type Page } from './pages.ts';

const generated =
  '<!-- Generated from the specs of the commands: node --conditions=dev scripts/generate-docs.ts -->\n\n';

/** Every page of docs/commands, by the name of its file. */
export function markdownPages(): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', indexPage()],
    ...pages.map((page) => [`${page.name}.md`, commandPage(page)] as const),
  ]);
}

function indexPage(): string {
  const rows = pages.flatMap(({ name, isGroup, entries }) =>
    entries.map(({ command, spec }) => {
      const anchor = isGroup ? `#${command.replaceAll(' ', '-')}` : '';
      return `| [\`${command}\`](${name}.md${anchor}) | ${cell(spec.summary)} |\n`;
    }),
  );
  return (
    `${generated}# The commands\n\n\`mcp\` ${about}. The package also installs it as \`mcp-broker\`, since other ` +
    'tools call themselves `mcp` too. `mcp help COMMAND` and `mcp COMMAND --help` say what stands here, and so do ' +
    `the manual pages: \`man mcp-secret\`.\n\n| command | does |\n|---|---|\n${rows.join('')}` +
    `\n## Options of every command\n\n${rowsOf('option', globalOptions)}` +
    `\n## Exit status\n\n${rowsOf('status', exits)}\n` +
    "That of `mcp exec` is the server's own once it runs. [errors.md](../errors.md) has the codes.\n" +
    `\n## Environment\n\n${rowsOf('variable', environment)}` +
    `\n## Files\n\n${rowsOf('file', files)}`
  );
}

function commandPage({ name, summary, alone, isGroup, entries }: Page): string {
  const [first] = entries;
  if (!isGroup && first !== undefined) return `${generated}# mcp ${name}\n\n${body(first)}`;
  const standsFor =
    alone === undefined ? '' : ` \`mcp ${name}\` alone is \`mcp ${name} ${alone}\`.`;
  const sections = entries.map((entry) => `\n## ${entry.command}\n\n${body(entry)}`);
  return `${generated}# mcp ${name}\n\n${sentence(summary)}${standsFor}\n${sections.join('')}`;
}

function body({ usage, spec }: Entry): string {
  return [
    indented(usage),
    `${sentence(spec.summary)}\n`,
    ...(spec.details === undefined ? [] : [`${prose(spec.details)}\n`]),
    ...(spec.arguments === undefined ? [] : [rowsOf('argument', spec.arguments)]),
    ...(spec.options === undefined ? [] : [rowsOf('option', spec.options)]),
    'Example:\n',
    indented(spec.example),
  ].join('\n');
}

function indented(text: string): string {
  return `${text.replaceAll(/^/gm, '    ')}\n`;
}

function rowsOf(what: string, rows: readonly (readonly [string, string, ...unknown[]])[]): string {
  const lines = rows.map(
    ([name, meaning]) => `| \`${name.replaceAll('|', '\\|')}\` | ${cell(meaning)} |\n`,
  );
  return `| ${what} | |\n|---|---|\n${lines.join('')}`;
}

function cell(text: string): string {
  return prose(text).replaceAll('|', '\\|');
}

/** What a reader of Markdown would take for markup stands as it is. */
function prose(text: string): string {
  return text.replaceAll(/[<*\\]/g, '\\$&');
}

/** A summary is no sentence, where it stands beside a name; alone it is. */
function sentence(summary: string): string {
  return `${prose(summary.charAt(0).toUpperCase() + summary.slice(1))}.`;
}
