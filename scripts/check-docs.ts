import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { mendable, severities } from '../packages/cli/src/commands/doctor/severities.ts';
import {
  isGroup,
  type CommandSpec,
  type OptionSpec,
  type Spec,
} from '../packages/cli/src/commands/spec.ts';
import { globalOptions, tree } from '../packages/cli/src/commands/tree.ts';
import { version as cliVersion } from '../packages/cli/src/version.ts';
import { version as daemonVersion } from '../packages/daemon/src/version.ts';
import { exitCodes } from '../packages/providers/src/errors.ts';

// Holds what the documents say of commands, flags, errors and versions against the code.
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const problems = [
  ...checkErrors(),
  ...checkFindings(),
  ...checkCommands(),
  ...checkHints(),
  ...checkPaths(),
  ...checkExamples(),
  ...checkVersions(),
  ...checkAttacks(),
];
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The table of docs/errors.md has each code once, in the order of the code, with its exit status. */
function checkErrors(): string[] {
  const file = 'docs/errors.md';
  const rows = [...read(file).matchAll(/^\| `(ERR_\w+)` \| (\d+) \| (.+) \| (.+) \|$/gmu)];
  const documented = rows.map(([, code, exit]) => `${code} ${exit}`);
  const expected = Object.entries(exitCodes).map(([code, exit]) => `${code} ${exit}`);
  return [
    ...expected
      .filter((row) => !documented.includes(row))
      .map((row) => `${file}: ${row} is missing`),
    ...documented
      .filter((row) => !expected.includes(row))
      .map((row) => `${file}: there is no ${row}`),
    ...(new Set(documented).size === documented.length
      ? []
      : [`${file}: a code stands there twice`]),
  ];
}

/** The table of docs/doctor.md has each finding once, in the order of the code, and whether it is mended. */
function checkFindings(): string[] {
  const file = 'docs/doctor.md';
  const rows = [...read(file).matchAll(/^\| `([\w-]+)` \| (\w+) \| (\w*) ?\| .+ \|$/gmu)];
  const documented = rows.map(([, id, severity, mends]) => `${id} ${severity} ${mends}`.trim());
  const mended = new Set<string>(mendable);
  const expected = Object.entries(severities).map(
    ([id, severity]) => `${id} ${severity}${mended.has(id) ? ' mends' : ''}`,
  );
  return documented.join('\n') === expected.join('\n')
    ? []
    : [
        ...expected
          .filter((row) => !documented.includes(row))
          .map((row) => `${file}: ${row} is missing`),
        ...documented
          .filter((row) => !expected.includes(row))
          .map((row) => `${file}: there is no ${row}`),
        `${file}: its table is not the list of packages/cli/src/commands/doctor/severities.ts`,
      ];
}

function documents(): string[] {
  return [
    ...readdirSync(root).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md'),
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ];
}

/** Every code span that looks like a path of the repository, or like a file of source, is one. */
function checkPaths(): string[] {
  const path = /^(?:(?:packages|test|docs|scripts)\/[\w./*{},-]*|[\w./*-]+\.(?:ts|cjs|py))$/u;
  return documents().flatMap((file) =>
    [...read(file).matchAll(/`([^`\n]+)`/gu)]
      .map(([, span = '']) => span)
      .filter((span) => path.test(span) && globSync(span, { cwd: root }).length === 0)
      .map((span) => `${file}: there is no ${span}`),
  );
}

/** Every `mcp …` in a code span or a code block of a document is a command that there is. */
function checkCommands(): string[] {
  return documents().flatMap((file) =>
    commandLines(read(file)).flatMap((line) =>
      mistakes(line).map((mistake) => `${file}: ${line}: ${mistake}`),
    ),
  );
}

/** And so is every one in a hint or another text of the code. */
function checkHints(): string[] {
  const files = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('packages', name))
    .filter((name) => /\/src\/.*(?<!\.test)\.ts$/u.test(name) && !name.includes('node_modules'));
  return files.flatMap((file) =>
    [
      ...read(file).matchAll(/(['"`])(?:(?:(?!\1)[^\n])*: )?(mcp [a-z-](?:(?!\1)[^\n])*)\1/gu),
    ].flatMap(([, , line = '']) => mistakes(line).map((mistake) => `${file}: ${line}: ${mistake}`)),
  );
}

function commandLines(markdown: string): string[] {
  const fences = /^```[^\n]*\n(.*?)^```/gmsu;
  const blocks = [...markdown.matchAll(fences)].flatMap(([, block = '']) => block.split('\n'));
  const prose = markdown.replaceAll(fences, '');
  const indented = prose.split('\n').filter((line) => line.startsWith('    '));
  const spans = [...prose.matchAll(/`([^`\n]+)`/gu)].map(([, span = '']) => span);
  // A command begins its line or span, or follows a prompt, a pipe, or the words of a hint.
  const command = /(?:^|\$ |[|;&(] ?|: )(mcp(?:-broker)? \S.*)$/u;
  return [...blocks, ...indented, ...spans].flatMap((line) => command.exec(line.trim())?.[1] ?? []);
}

/** What is wrong with one command line. Placeholders and the text after two spaces and `#` are not read. */
function mistakes(line: string): string[] {
  const words = (line.split(/\s{2,}|\s#|[|;&)]|, /u)[0] ?? '').trim().split(/\s+/u).slice(1);
  const known = new Set(['--help', '-h', '--version', ...flagsOf(globalOptions)]);
  let level: readonly Spec[] = tree;
  let command: CommandSpec | undefined;
  for (const word of words) {
    if (word === '--' || word === '…' || word === '...') break;
    if (word === 'help' && command === undefined) continue;
    if (word.startsWith('-')) {
      const flag = word.split('=', 1)[0] ?? word;
      if (!known.has(flag)) return [`there is no ${flag}`];
    } else if (command === undefined) {
      const names = word.split('|');
      const specs = names.map((name) => level.find((spec) => spec.name === name));
      if (specs.includes(undefined)) {
        // The value of a global option, or a placeholder.
        if (/^[A-Z~/]/u.test(word)) continue;
        return [`there is no command ${word}`];
      }
      const [spec] = specs;
      if (spec !== undefined && isGroup(spec)) level = spec.commands;
      else if (spec !== undefined) {
        command = spec;
        for (const flag of flagsOf(spec.options ?? [])) known.add(flag);
        // What follows the command of a launch is the server's own.
        if (spec.name === 'exec' || spec.name === 'run') return launchMistakes(words, known);
      }
    }
  }
  return [];
}

function launchMistakes(words: readonly string[], known: ReadonlySet<string>): string[] {
  const end = words.indexOf('--');
  const own = (end === -1 ? words.slice(0, 3) : words.slice(0, end)).filter((word) =>
    word.startsWith('--'),
  );
  return own
    .filter((word) => !known.has(word.split('=', 1)[0] ?? ''))
    .map((word) => `there is no ${word}`);
}

function flagsOf(options: readonly OptionSpec[]): string[] {
  return options.flatMap(([flags]) => flags.match(/(?<![\w-])--?[a-z][a-z-]*/gu) ?? []);
}

/** Every command has an example, which begins with the command itself or uses it. */
function checkExamples(): string[] {
  const walk = (specs: readonly Spec[], path: string): string[] =>
    specs.flatMap((spec) => {
      const name = `${path} ${spec.name}`;
      if (isGroup(spec)) return walk(spec.commands, name);
      return spec.example.includes(name) ? [] : [`${name}: its example does not use it`];
    });
  return walk(tree, 'mcp');
}

function checkVersions(): string[] {
  const versions = { cli: cliVersion, daemon: daemonVersion };
  return Object.entries(versions).flatMap(([name, version]) => {
    const file = `packages/${name}/package.json`;
    const packaged = (JSON.parse(read(file)) as { version: string }).version;
    return packaged === version ? [] : [`${file}: ${packaged}, and its code says ${version}`];
  });
}

/**
 * In SECURITY.md each file in the last column of a row `| A1: …` has a title that begins with `A1: `, and what a
 * title begins with so has a row. A row without a file says why in words.
 */
function checkAttacks(): string[] {
  const file = 'SECURITY.md';
  const rows = new Map(
    [...read(file).matchAll(/^\| ([A-Z]\d+): .*\| *([^|]*?) *\|$/gmu)].map(
      ([, id = '', cell = '']) => [id, cell] as const,
    ),
  );
  const named = [...rows].flatMap(([id, cell]) =>
    [...cell.matchAll(/`([^`]+\.test\.ts)`/gu)].map(([, path = '']) => `${id} ${path}`),
  );
  const tests = globSync(['test/**/*.test.ts', 'packages/*/src/**/*.test.ts'], { cwd: root });
  const titled = tests.flatMap((path) =>
    [...new Set([...read(path).matchAll(/['"`]([A-Z]\d+): /gu)].map(([, id = '']) => id))].map(
      (id) => `${id} ${path}`,
    ),
  );
  return [
    ...[...rows]
      .filter(([, cell]) => cell === '')
      .map(([id]) => `${file}: ${id} has neither a test nor a reason`),
    ...named
      .filter((pair) => !titled.includes(pair))
      .map((pair) => `${file}: no title in the file begins so: ${pair}`),
    ...titled
      .filter((pair) => !rows.has(pair.split(' ', 1)[0] ?? ''))
      .map((pair) => `${file}: the table has no row for ${pair}`),
  ];
}
