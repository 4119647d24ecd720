import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BrokerError } from '@mcp-broker/providers/errors';
import { lacks } from '../../../../test/kit/needs.ts';
import type { Entry, Piece } from './entry.ts';
import { readEntry } from './index.ts';

const samples = fileURLToPath(new URL('../../../../test/fixtures/clients', import.meta.url));
let root = '';
const environment: Readonly<Record<string, string>> = {
  PRESET: 'preset',
  HOME: '/h',
  TOKEN_X: 'x',
};

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-entries-')));
  cpSync(samples, root, { recursive: true });
  const file = join(root, 'claude-code', '.claude.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('PROJECT', join(root, 'project')));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

function read(file: string, name = 'github', folder = root): Entry {
  return readEntry({
    file: join(root, file),
    name,
    workingDirectory: folder,
    home: '/h',
    isSet: (variable) => Object.hasOwn(environment, variable),
  });
}

/** A text with each variable of the environment as `<name>`; `ROOT` is the folder. */
function written(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (piece.kind === 'inherited' ? `{${piece.name}}` : piece.text))
    .join('')
    .replaceAll(root, 'ROOT');
}

function environmentOf(entry: Entry): Record<string, string> {
  return Object.fromEntries(entry.env.map(({ name, text }) => [name, written(text)]));
}

const files = {
  desktop: 'claude-desktop/claude_desktop_config.json',
  project: 'claude-code/.mcp.json',
  claude: 'claude-code/.claude.json',
  cursor: 'cursor/.cursor/mcp.json',
  code: 'vscode/.vscode/mcp.json',
  kiro: 'kiro/.kiro/settings/mcp.json',
  gemini: 'gemini/.gemini/settings.json',
  windsurf: 'windsurf/.codeium/windsurf/mcp_config.json',
  zed: 'zed/.zed/settings.json',
  codex: 'codex/.codex/config.toml',
};
type Client = keyof typeof files;

describe('an entry is read as its client reads it', () => {
  test.each<[client: Client, as: string, args: string[], env: Record<string, string>]>([
    [
      'desktop',
      'Claude Desktop',
      ['--repo', '${HOME}'],
      { TOKEN: '$<TOKEN>', PLAIN: '$PRESET', MODE: 'read only' },
    ],
    [
      'project',
      'Claude Code',
      ['--as', '{PRESET}', '--or', '${NOT_SET:-other}'],
      { TOKEN: '${TOKEN}', PLAIN: 'a {PRESET} b', BARE: '$PRESET' },
    ],
    [
      'cursor',
      'Cursor',
      ['ROOT/cursor/data', '/h', 'cursor'],
      { TOKEN: '$<TOKEN>', PLAIN: 'a {PRESET} b', BARE: '$PRESET' },
    ],
    [
      'code',
      'VS Code',
      ['ROOT/vscode'],
      { TOKEN: '${TOKEN}', PLAIN: 'a {PRESET} b', PORT: '3000' },
    ],
    ['kiro', 'Kiro', [], { TOKEN: '${TOKEN}', PLAIN: '$PRESET' }],
    [
      'gemini',
      'Gemini',
      ['{PRESET}', '$NOT_SET'],
      {
        TOKEN: '$<TOKEN>',
        OTHER: '${TOKEN}',
        PLAIN: 'a {PRESET} b',
        MANGLED: 'pa$',
        KEPT: 'pa$w0rd',
      },
    ],
    ['windsurf', 'Windsurf', [], { TOKEN: '$<TOKEN>', PLAIN: 'a {PRESET} b' }],
    ['zed', 'Zed', ['$PRESET'], { TOKEN: '$<TOKEN>', PLAIN: '${env-PRESET}' }],
    ['codex', 'Codex', ['--plain', '$PRESET'], { TOKEN: '$<TOKEN>', PLAIN: '${PRE-SET}' }],
  ])('%s, as %s', (client, as, args, env) => {
    const entry = read(files[client]);
    expect(written(entry.command)).toBe('show');
    expect(entry.args.map(written)).toEqual(args);
    expect(environmentOf(entry)).toEqual(env);
    expect(entry.origin).toBe(`"github" of ${join(root, files[client])}, read as ${as} does`);
  });

  test('by what stands in it, where its name says nothing', () => {
    for (const [key, as] of [
      ['servers', 'VS Code'],
      ['context_servers', 'Zed'],
      ['mcpServers', 'an MCP client'],
    ]) {
      writeFileSync(join(root, 'any.json'), `{"${key}": {"github": {"command": "show"}}}`);
      expect(read('any.json').origin).toContain(`read as ${as} does`);
    }
  });

  test.each<[client: Client, gets: string[], not: string[]]>([
    ['desktop', ['HOME', 'PATH'], ['LANG', 'ANY', 'API_TOKEN']],
    ['cursor', ['HOME', 'PATH'], ['ANY']],
    ['gemini', ['HOME', 'ANY'], ['API_TOKEN', 'SSH_AUTH_SOCK', 'my_key']],
    ['codex', ['HOME', 'LANG', 'PRESET'], ['ANY', 'LC_TIME', 'OF_REMOTE']],
  ])('%s hands a part of its environment on', (client, gets, not) => {
    const { inherits } = read(files[client]);
    const has = (name: string): boolean => inherits === 'all' || inherits(name);
    expect([gets.map(has), not.map(has)]).toEqual([gets.map(() => true), not.map(() => false)]);
  });

  test.each<Client>(['project', 'code', 'zed'])('%s hands all of it on', (client) => {
    expect(read(files[client]).inherits).toBe('all');
  });

  test('in Claude Code, that of the project comes before that of the user', () => {
    const args = (folder: string): string[] =>
      read(files.claude, 'github', folder).args.map(written);
    expect(args(join(root, 'project', 'below', 'it'))).toEqual(['of the project']);
    expect(args(join(root, 'other'))).toEqual(['of the user']);
    expect(read(files.claude, 'everywhere', join(root, 'project')).args).toEqual([]);
  });

  test('in Zed, in its older form too', () => {
    const entry = read(files.zed, 'older');
    expect([written(entry.command), ...entry.args.map(written)]).toEqual(['show', 'older']);
    expect(environmentOf(entry)).toEqual({ TOKEN: '$<TOKEN>' });
  });

  test('in VS Code, in the folder that it names', () => {
    expect(written(read(files.code).cwd ?? [])).toBe('ROOT/vscode');
  });
});

function failure(action: () => unknown): BrokerError {
  try {
    action();
  } catch (error) {
    return error as BrokerError;
  }
  throw new Error('nothing was thrown');
}

describe('what cannot be started is refused', () => {
  test.each<[client: Client, name: string, code: string, message: RegExp, hint?: RegExp]>([
    ['desktop', 'remote', 'ERR_CONFIG', /: line 9: server remote: it is a remote server/u],
    ['project', 'events', 'ERR_CONFIG', /: line 9: server events: it is a remote server/u],
    ['gemini', 'remote', 'ERR_CONFIG', /: line 12: server remote: it is a remote server/u],
    ['windsurf', 'remote', 'ERR_CONFIG', /: it is a remote server/u],
    ['zed', 'remote', 'ERR_CONFIG', /: it is a remote server/u],
    ['codex', 'remote', 'ERR_CONFIG', /server remote: it is a remote server/u],
    ['kiro', 'off', 'ERR_CONFIG', /: line 10: server off: it is switched off here/u],
    ['zed', 'off', 'ERR_CONFIG', /: it is switched off here/u],
    ['codex', 'off', 'ERR_CONFIG', /: it is switched off here/u],
    [
      'code',
      'asks',
      'ERR_CONFIG',
      /server asks .*: \$\{input:token\} is not read/u,
      /\$<API_TOKEN>/u,
    ],
    ['windsurf', 'file', 'ERR_CONFIG', /\$\{file:\/run\/token\} is not read/u],
    ['cursor', 'unset', 'ERR_CONFIG', /\$\{env:NOT_SET\} is not set here/u, /\$<NOT_SET>/u],
    ['cursor', 'file', 'ERR_CONFIG', /: line 10: server file: a file of variables/u],
    ['claude', 'hidden', 'ERR_NOT_FOUND', /has no server hidden$/u, /everywhere, github$/u],
    [
      'desktop',
      'gihtub',
      'ERR_NOT_FOUND',
      /has no server gihtub: did you mean github\?$/u,
      /github, remote$/u,
    ],
  ])('%s: %s', (client, name, code, message, hint = /./u) => {
    const error = failure(() => read(files[client], name));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(error.hint).toMatch(hint);
  });

  test.each<[what: string, file: string, text: string, message: RegExp]>([
    [
      'no JSON',
      'a.json',
      '{\n"mcpServers": {\n"a": secret }}',
      /a\.json: line 3: this is not valid JSON$/u,
    ],
    [
      'a comment where its client takes none',
      '.mcp.json',
      '{} // c',
      /: line 1: this is not valid JSON$/u,
    ],
    ['no TOML', 'c.toml', 'a = 1\nb = secret\n', /c\.toml: line 2: this is not valid TOML$/u],
    ['a list', 'a.json', '[]', /line 1: it does not hold names with values$/u],
    [
      'an entry that is text',
      'a.json',
      '{"mcpServers": {"github": "x"}}',
      /line 1: server github: it has to hold/u,
    ],
    [
      'servers that are a list',
      'a.json',
      '\n{"mcpServers": []}',
      /line 2: mcpServers has to hold/u,
    ],
    [
      'no command',
      'a.json',
      '{"mcpServers": {"github": {}}}',
      /server github: it has no command$/u,
    ],
    [
      'an argument that is a number',
      'a.json',
      '{"mcpServers": {"github": {"command": "c",\n"args": [1]}}}',
      /line 2: server github: args has to be/u,
    ],
    [
      'a value that is a number',
      'a.json',
      '{"mcpServers": {"github": {"command": "c",\n"env": {\n"A": 1}}}}',
      /line 3: server github: env A has to be text$/u,
    ],
    [
      'a NUL',
      'a.json',
      String.raw`{"mcpServers": {"github": {"command": "c\u0000"}}}`,
      /command has to be text$/u,
    ],
    ['endless brackets', 'a.json', '['.repeat(5000), /too many brackets/u],
    ['endless brackets', 'c.toml', `a = ${'['.repeat(5000)}`, /too many brackets/u],
  ])('a file with %s', (_what, file, text, message) => {
    writeFileSync(join(root, file), text);
    const error = failure(() => read(file));
    expect(error).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(message) as string,
    });
    expect(error.message).not.toContain('secret');
    rmSync(join(root, file));
  });

  test('a name of every object is a name like any other', () => {
    const text = '{"mcpServers": {"__proto__": {"command": "c"}, "constructor": {"command": "c"}}}';
    writeFileSync(join(root, 'a.json'), text);
    for (const name of ['__proto__', 'constructor']) {
      expect(written(read('a.json', name).command)).toBe('c');
    }
    for (const name of ['toString', 'hasOwnProperty']) {
      expect(failure(() => read('a.json', name)).code).toBe('ERR_NOT_FOUND');
    }
  });

  test('a file that others may write, a folder, nothing', () => {
    writeFileSync(join(root, 'wide.json'), '{}');
    chmodSync(join(root, 'wide.json'), 0o666);
    expect(failure(() => read('wide.json'))).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      hint: `chmod o-w ${join(root, 'wide.json')}`,
    });
    expect(failure(() => read('cursor')).code).toBe('ERR_INSECURE_FILE');
    expect(failure(() => read('none.json')).code).toBe('ERR_NOT_FOUND');
    expect(failure(() => read('wide.json/none')).code).toBe('ERR_NOT_FOUND');
  });

  test.skipIf(lacks('root'))('a file of another user', () => {
    writeFileSync(join(root, 'foreign.json'), '{"mcpServers": {"github": {"command": "show"}}}');
    expect(written(read('foreign.json').command)).toBe('show');
    chownSync(join(root, 'foreign.json'), 1, 1);
    expect(failure(() => read('foreign.json'))).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      message: expect.stringContaining('belongs to user 1, not to you') as string,
    });
  });

  test('a link leads to the file, and the file is what counts', () => {
    symlinkSync(join(root, files.desktop), join(root, 'claude_desktop_config.json'));
    const entry = read('claude_desktop_config.json');
    expect(entry.origin).toContain(join(root, files.desktop));
  });
});
