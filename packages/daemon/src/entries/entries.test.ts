import { chmodSync, chownSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { environmentOf, failure, files, useSamples, written, type Client } from './fixture.ts';

const samples = useSamples();
const { read, write } = samples;
const path = (file: string): string => join(samples.root, file);

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
      ['--as', '{PRESET}', '--or', 'other'],
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
    expect(entry.origin).toBe(`"github" of ${path(files[client])}, read as ${as} does`);
  });

  test('by what stands in it, where its name says nothing', () => {
    for (const [key, as] of [
      ['servers', 'VS Code'],
      ['context_servers', 'Zed'],
      ['mcpServers', 'an MCP client'],
    ]) {
      write('any.json', `{"${key}": {"github": {"command": "show"}}}`);
      expect(read('any.json').origin).toContain(`read as ${as} does`);
    }
  });

  test.each<[client: Client, gets: string[], not: string[]]>([
    ['desktop', ['HOME', 'PATH'], ['LANG', 'ANY', 'API_TOKEN', 'TERM=() { echo; }']],
    ['cursor', ['HOME', 'PATH'], ['ANY']],
    ['kiro', ['HOME', 'PATH'], ['ANY']],
    ['windsurf', ['HOME', 'PATH'], ['ANY']],
    [
      'gemini',
      ['HOME', 'ANY', 'GEMINI_CLI_AUTH', 'ANY=https://h/a:b'],
      [
        'API_TOKEN',
        'SSH_AUTH_SOCK',
        'my_key',
        'MY_CERT',
        'DATABASE_URL',
        'ANY=https://me:secret@h',
        `ANY=ghp_${'x'.repeat(36)}`,
        'ANY=-----BEGIN EC PRIVATE KEY-----',
      ],
    ],
    ['codex', ['HOME', 'LANG', 'PRESET', 'TOKEN_X'], ['ANY', 'LC_TIME']],
  ])('%s hands a part of its environment on', (client, gets, not) => {
    const { inherits } = read(files[client]);
    const has = (variable: string): boolean => {
      const [name = '', value = 'x'] = variable.split(/=(.*)/su);
      return inherits === 'all' || inherits(name, value);
    };
    expect([gets.filter(has), not.filter(has)]).toEqual([gets, []]);
  });

  test.each<Client>(['project', 'code', 'zed'])('%s hands all of it on', (client) => {
    expect(read(files[client])).toMatchObject({ inherits: 'all' });
  });

  test('Codex names variables of its environment, which count then', () => {
    expect(read(files.codex).named).toEqual(['PRESET', 'TOKEN_X']);
  });

  test('in Zed, in its older form too', () => {
    const entry = read(files.zed, 'older');
    expect([written(entry.command), ...entry.args.map(written)]).toEqual(['show', 'older']);
    expect(environmentOf(entry)).toEqual({ TOKEN: '$<TOKEN>' });
  });
});

describe('what cannot be started is refused', () => {
  test.each<[client: Client, name: string, code: string, message: RegExp, hint?: RegExp]>([
    [
      'desktop',
      'remote',
      'ERR_CONFIG',
      /: line 9: server remote: it is a remote server/u,
      /^edit .*, or leave this server to its client$/u,
    ],
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
    ['codex', 'elsewhere', 'ERR_CONFIG', /env_vars names a variable of another machine/u],
    ['code', 'boxed', 'ERR_CONFIG', /: line \d+: server boxed: it is to run in a sandbox/u],
    ['cursor', 'file', 'ERR_NOT_FOUND', /no file .*\/cursor\/\.env$/u, /envFile of server file/u],
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
    write(file, text);
    const error = failure(() => read(file));
    expect(error).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(message) as string,
    });
    expect(error.message).not.toContain('secret');
    rmSync(path(file));
  });

  test('a name of every object is a name like any other', () => {
    const text = '{"mcpServers": {"__proto__": {"command": "c"}, "constructor": {"command": "c"}}}';
    write('a.json', text);
    for (const name of ['__proto__', 'constructor']) {
      expect(written(read('a.json', name).command)).toBe('c');
    }
    for (const name of ['toString', 'hasOwnProperty']) {
      expect(failure(() => read('a.json', name)).code).toBe('ERR_NOT_FOUND');
    }
  });

  test('a file that others may write, a folder, nothing', () => {
    write('wide.json', '{}');
    chmodSync(path('wide.json'), 0o666);
    expect(failure(() => read('wide.json'))).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      hint: `chmod o-w ${path('wide.json')}`,
    });
    expect(failure(() => read('cursor')).code).toBe('ERR_INSECURE_FILE');
    expect(failure(() => read('none.json')).code).toBe('ERR_NOT_FOUND');
    expect(failure(() => read('wide.json/none')).code).toBe('ERR_NOT_FOUND');
  });

  test.skipIf(lacks('root'))('a file of another user', () => {
    write('foreign.json', '{"mcpServers": {"github": {"command": "show"}}}');
    expect(written(read('foreign.json').command)).toBe('show');
    chownSync(path('foreign.json'), 1, 1);
    expect(failure(() => read('foreign.json'))).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      message: expect.stringContaining('belongs to user 1, not to you') as string,
    });
  });

  test('a link leads to the file, and the file is what counts', () => {
    symlinkSync(path(files.desktop), path('claude_desktop_config.json'));
    const entry = read('claude_desktop_config.json');
    expect(entry.origin).toContain(path(files.desktop));
  });
});
