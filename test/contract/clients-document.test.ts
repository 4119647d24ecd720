import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseExec } from '../../packages/cli/src/exec/arguments.ts';
import { readYaml } from '../../packages/daemon/src/config/yaml.ts';
import { codexNames, sdkNames } from '../../packages/daemon/src/entries/allow-list.ts';
import { textOf } from '../../packages/daemon/src/entries/entry.ts';
import { readEntry } from '../../packages/daemon/src/entries/index.ts';
import { hasReference } from '../../packages/daemon/src/reference.ts';

// docs/clients.md: what it says to write is what those clients start, and what `--from` reads.

const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');

interface Snippet {
  readonly client: string;
  readonly files: readonly string[];
  readonly language: string;
  readonly text: string;
}

/** Each heading, the files that its first line names, and the block below them. */
function snippets(from: string, to: string): readonly Snippet[] {
  const part = page.slice(page.indexOf(from), page.indexOf(to));
  const form =
    /^####? (?<client>.+)\n\n(?<files>`.+)\n\n```(?<language>\w+)\n(?<text>[^]*?)\n```$/gmu;
  return [...part.matchAll(form)].map(({ groups = {} }) => ({
    client: groups['client'] ?? '',
    files: [...(groups['files'] ?? '').matchAll(/`([^` ]*\/[^`]*|[.\w]+\.\w+)`/gu)].map(
      ([, file = '']) => file,
    ),
    language: groups['language'] ?? '',
    text: groups['text'] ?? '',
  }));
}

const known = snippets('## What to write', '### Others');
const others = snippets('### Others', '## Entries of');

let home = '';
beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-clients-')));
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

/** What a command line of a snippet starts, and with what. */
function launchOf([command, ...args]: readonly string[], environment: unknown): unknown {
  const input = parseExec(args);
  return [command, input?.entry, input?.command, ...(input?.args ?? []), environment];
}

const launch = [
  '/usr/local/bin/mcp',
  undefined,
  'npx',
  '-y',
  expect.stringMatching(/^@modelcontextprotocol\/[\w-]+@\d+\.\d+\.\d+$/u) as string,
  { GITHUB_PERSONAL_ACCESS_TOKEN: '$<GITHUB_TOKEN>' },
];

test('every client that --from reads has its snippet, and some others have', () => {
  const rows = page.slice(page.indexOf('| client | known by')).split('\n').slice(2);
  const clients = rows.flatMap((row) => /^\| ([A-Z][\w ]+?) \|/u.exec(row)?.[1] ?? []);
  expect(known.map(({ client }) => client)).toEqual(clients);
  expect(clients).toHaveLength(9);
  expect(others.map(({ client }) => client)).toHaveLength(8);
});

describe.each(known)('$client', ({ client, files, text }) => {
  test.each(files)('%s starts mcp, and its reference gets there as it stands', (name) => {
    const file = join(home, client, name.replace('~', 'home'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
    const environment: Record<string, string> = { GITHUB_TOKEN: 'of the client' };
    const valueOf = (variable: string): Buffer | undefined =>
      environment[variable] === undefined ? undefined : Buffer.from(environment[variable]);
    const entry = readEntry({
      file,
      name: 'github',
      workingDirectory: home,
      home: join(home, client, 'home'),
      valueOf,
      isShown: () => undefined,
    });
    expect(entry.origin).toBe(`"github" of ${file}, read as ${client} does`);
    const plain = [entry.command, ...entry.args].map((pieces) => textOf(pieces, valueOf));
    const env = entry.env.map(({ name: variable, text: pieces }) => {
      expect(pieces).toEqual([{ kind: 'raw', text: expect.any(String) as string }]);
      expect(hasReference(textOf(pieces, valueOf), 'inherited')).toBe(true);
      return [variable, textOf(pieces, valueOf)];
    });
    expect(launchOf(plain, Object.fromEntries(env))).toEqual(launch);
  });
});

test.each(others)('$client: what is written is a launch', ({ language, text }) => {
  const yaml = readYaml(text);
  const data = language === 'yaml' && 'data' in yaml ? yaml.data : JSON.parse(text);
  const [section] = Object.values(data as Record<string, unknown>);
  const entry = (Array.isArray(section) ? section[0] : (section as { github: unknown }).github) as {
    readonly command?: string | readonly string[];
    readonly cmd?: string;
    readonly args?: readonly string[];
  } & Record<string, unknown>;
  const command = [entry.command ?? entry.cmd ?? []].flat();
  const key = ['env', 'envs', 'environment'].find((each) => entry[each] !== undefined) ?? '';
  expect(launchOf([...command, ...(entry.args ?? [])], entry[key])).toEqual(launch);
});

test('the table has the names that clients hand on', () => {
  const namesOf = (client: string): string[] => {
    const row = page.split('\n').find((line) => line.startsWith(`| ${client} | \``));
    const [inherits = ''] = row?.split(' | ').slice(-1) ?? [];
    return [...inherits.matchAll(/`([A-Z_]+)`/gu)].map(([, name = '']) => name);
  };
  expect(namesOf('Claude Desktop')).toEqual(sdkNames);
  expect(namesOf('Codex')).toEqual(codexNames);
});
