import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerError } from '@mcp-broker/providers/errors';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { environmentOf, failure, files, useSamples, written } from './fixture.ts';

// How an entry can stand in its file: which section counts, how JSON and TOML may be written, and the keys
// that one client alone knows.

const samples = useSamples();
const { read, write } = samples;

describe('of several sections', () => {
  test('in Claude Code, that of the project comes before that of the user', () => {
    const project = join(samples.root, 'project');
    const args = (folder: string): string[] =>
      read(files.claude, 'github', folder).args.map(written);
    mkdirSync(join(project, '.git'), { recursive: true });
    expect(args(join(project, 'below', 'it'))).toEqual(['of the project']);
    expect(args(project)).toEqual(['of the project']);
    expect(args(join(samples.root, 'other'))).toEqual(['of the user']);
    expect(read(files.claude, 'everywhere', project).args).toEqual([]);
    // Without a repository a project is its own folder alone.
    rmSync(join(project, '.git'), { recursive: true });
    expect(existsSync('/.git')).toBe(false);
    expect(args(project)).toEqual(['of the project']);
    expect(args(join(project, 'below'))).toEqual(['of the user']);
  });

  test.each<[file: string, keys: string, as: string]>([
    ['.vscode/mcp.json', 'servers', 'VS Code'],
    ['.cursor/mcp.json', 'mcpServers', 'Cursor'],
    ['any.json', 'mcpServers', 'an MCP client'],
  ])('%s has its servers below %s, whatever else stands there', (file, key, as) => {
    const keys = ['context_servers', 'servers', 'mcpServers', 'mcp_servers'];
    const sections = keys.map((each) => [each, { github: { command: each } }]);
    write(file, JSON.stringify(Object.fromEntries(sections)));
    const entry = read(file);
    expect(written(entry.command)).toBe(key);
    expect(entry.origin).toMatch(new RegExp(`, read as ${as} does$`, 'u'));
  });
});

describe('a file may be written', () => {
  const entry = '{"mcpServers": {"github": {"command": "show", "args": ["ä"]}}}';

  test.each<[what: string, file: string, text: string]>([
    ['with a byte order mark', '.mcp.json', `\uFEFF${entry}`],
    ['with CRLF', '.mcp.json', entry.replaceAll(' ', '\r\n')],
    ['with comments', '.gemini/settings.json', `// c\r\n${entry} /* c */`],
    ['with trailing commas', '.cursor/mcp.json', entry.replaceAll('}}}', ',},},}')],
    [
      'with a key twice, of which the last counts',
      '.mcp.json',
      `{"mcpServers": 1, ${entry.slice(1)}`,
    ],
    [
      'with a server twice, of which the last counts',
      '.mcp.json',
      entry.replace('{"github"', '{"github": {}, "github"'),
    ],
    [
      'in TOML, with a byte order mark and CRLF',
      'c.toml',
      '\uFEFF[mcp_servers.github]\r\ncommand = "show"\r\nargs = ["ä"]\r\n',
    ],
    ['in TOML, inline', 'c.toml', 'mcp_servers = { github = { command = "show", args = ["ä"] } }'],
  ])('%s', (_what, file, text) => {
    write(file, text);
    const { command, args } = read(file);
    expect([written(command), ...args.map(written)]).toEqual(['show', 'ä']);
  });

  test.each<[what: string, file: string, text: string]>([
    ['a trailing comma for Claude Code', '.mcp.json', entry.replace(']}', '],}')],
    ['a trailing comma for Gemini', '.gemini/settings.json', entry.replace(']}', '],}')],
    ['a comment for Kiro', '.kiro/settings/mcp.json', `// c\n${entry}`],
    ['a table twice in TOML', 'c.toml', '[mcp_servers.a]\ncommand = "1"\n[mcp_servers.a]\n'],
    ['what is not UTF-8', '.mcp.json', 'binary'],
  ])('but not with %s', (what, file, text) => {
    write(file, text);
    if (what.includes('UTF-8')) samples.write(file, Buffer.from([0x22, 0xff, 0x22]));
    expect(failure(() => read(file))).toMatchObject({ code: 'ERR_CONFIG' });
  });
});

describe('VS Code', () => {
  test('starts a server in its project, or in the home folder', () => {
    expect(written(read(files.code).cwd ?? [])).toBe('ROOT/vscode');
    expect(written(read(files.code, 'home').cwd ?? [])).toBe('ROOT/vscode/below');
    write('Code/User/mcp.json', '{"servers": {"github": {"command": "c"}}}');
    expect(written(read('Code/User/mcp.json').cwd ?? [])).toBe('/h');
    write('any.json', '{"servers": {"github": {"command": "c"}}}');
    expect(read('any.json').cwd).toBeUndefined();
  });

  test('takes ~ for the home folder, adds to its own PATH, and takes a variable away', () => {
    const { command, args, env, inherits } = read(files.code, 'home');
    expect([command, ...args].map(written)).toEqual(['/h/show', '/h', '~other', '/h/x']);
    expect(env.map(({ name, text }) => [name, written(text)])).toEqual([['PATH', '{PATH}:/own']]);
    const has = (name: string): boolean => inherits === 'all' || inherits(name, 'x');
    expect(['ANY', 'OTHER'].filter(has)).toEqual(['OTHER']);
  });

  test('reads an envFile, before what env sets', () => {
    expect(environmentOf(read(files.code, 'file'))).toEqual({
      FIRST: '$<TOKEN>',
      SECOND: 'of env',
      THIRD: 'two\nlines',
    });
  });
});

describe('an envFile is read', () => {
  const attempt = (file: string, envFile: string): Record<string, string> => {
    const github = { command: 'show', envFile };
    write(file, JSON.stringify({ servers: { github }, mcpServers: { github } }));
    return environmentOf(read(file));
  };

  test.each(['.vscode/mcp.json', '.cursor/mcp.json'])('of the project of %s', (file) => {
    write('a/below/.env', 'A=1');
    for (const path of ['below/.env', '${workspaceFolder}/below/.env', './below/../below/.env']) {
      expect(attempt(`a/${file}`, path)).toEqual({ A: '1' });
    }
  });

  test.each<[what: string, file: string, envFile: string]>([
    ['outside of the project', 'a/.vscode/mcp.json', '../secrets'],
    ['by an absolute path', 'a/.vscode/mcp.json', '${workspaceFolder}/../secrets'],
    ['by a link', 'a/.vscode/mcp.json', 'link'],
    ['of no project', 'Code/User/mcp.json', '/etc/hostname'],
    ['of a client that reads none', '.mcp.json', '.env'],
  ])('but not %s', (_what, file, envFile) => {
    write('secrets', 'A=secret');
    write('a/.env', '');
    rmSync(join(samples.root, 'a', 'link'), { force: true });
    symlinkSync('../secrets', join(samples.root, 'a', 'link'));
    const { code, message } = failure(() => attempt(file, envFile));
    expect(code).toBe('ERR_CONFIG');
    expect(message).toMatch(
      /: line 1: server github: its envFile .*: name its variables in `env`/u,
    );
    expect(message).not.toContain('secret');
  });
});

describe('an envFile elsewhere is no way to other files', () => {
  const inProject = 'a/.vscode/mcp.json';
  const entry = JSON.stringify({ servers: { github: { command: 'show', envFile: 'd/.env' } } });

  test('for an entry that a link puts into another project', () => {
    write('a/d/.env', 'A=secret');
    write('elsewhere/mcp.json', entry);
    write(inProject, '');
    rmSync(join(samples.root, inProject));
    symlinkSync('../../elsewhere/mcp.json', join(samples.root, inProject));
    expect(failure(() => read(inProject)).message).toMatch(/lies outside of the project/u);
    rmSync(join(samples.root, inProject));
  });

  test.skipIf(lacks('linux', 'python3'))('while a folder is exchanged by a link', async () => {
    write('outside/.env', 'A=secret');
    write('a/d/.env', 'A=own');
    write(inProject, entry);
    const [folder, link] = ['a/d', 'a/link-out'].map((path) => join(samples.root, path));
    symlinkSync('../outside', link ?? '');
    // RENAME_EXCHANGE, until it is ended.
    const exchange = `import ctypes, os, sys
libc = ctypes.CDLL(None)
a, b = map(os.fsencode, sys.argv[1:])
while True: libc.renameat2(-100, a, -100, b, 2)`;
    const swapper = spawn('python3', ['-c', exchange, folder ?? '', link ?? '']);
    const ended = once(swapper, 'exit');
    const seen = new Set<string>();
    try {
      const until = performance.now() + 2000;
      while (performance.now() < until) {
        try {
          seen.add(JSON.stringify(environmentOf(read(inProject))));
        } catch (error) {
          seen.add((error as BrokerError).code);
        }
      }
    } finally {
      swapper.kill();
      await ended;
    }
    expect(seen).toContain('{"A":"own"}');
    expect(seen).toContain('ERR_CONFIG');
    expect(seen).not.toContain('{"A":"secret"}');
  });
});

describe('a list of the file', () => {
  const github = { command: 'show' };
  const project = (): string => join(samples.root, 'project');
  const attempt = (file: string, settings: object): string => {
    write(file, JSON.stringify({ mcpServers: { github }, ...settings }));
    return written(read(file, 'github', project()).command);
  };
  const gemini = '.gemini/settings.json';
  const claude = '.claude.json';
  const inProject = (folder: string): object => ({
    projects: { [folder]: { mcpServers: {}, disabledMcpServers: ['github'] } },
  });

  test.each<[what: string, file: string, settings: () => object, says: RegExp]>([
    ['excluded', gemini, () => ({ mcp: { excluded: ['github'] } }), /off by mcp excluded$/u],
    ['not among the allowed', gemini, () => ({ mcp: { allowed: ['x'] } }), /off by mcp allowed$/u],
    ['excluded, older', gemini, () => ({ excludeMCPServers: ['github'] }), /excludeMCPServers$/u],
    ['not allowed, older', gemini, () => ({ allowMCPServers: ['x'] }), /allowMCPServers$/u],
    ['off in this project', claude, () => inProject(project()), /off by projects .* disabled/u],
  ])('switches a server off: %s', (_what, file, settings, says) => {
    expect(failure(() => attempt(file, settings()))).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(says) as string,
      hint: `edit ${join(samples.root, file)}`,
    });
  });

  test.each<[what: string, file: string, settings: object]>([
    ['others are excluded', gemini, { mcp: { excluded: ['x'] } }],
    ['it is allowed', gemini, { mcp: { allowed: ['github'] } }],
    ['it is off in another project', claude, inProject('/other')],
    ['the list is one of another client', '.cursor/mcp.json', { mcp: { excluded: ['github'] } }],
  ])('leaves it on: %s', (_what, file, settings) => {
    expect(attempt(file, settings)).toBe('show');
  });
});

test('a name in env may be any that an environment can have', () => {
  const env = { 'my-name': 'x', 'a.b': 'y', '0': 'z', 'ProgramFiles(x86)': 'w' };
  write('a.json', JSON.stringify({ mcpServers: { github: { command: 'c', env } } }));
  expect(environmentOf(read('a.json'))).toEqual(env);
  for (const name of ['', 'A=B', 'A\0']) {
    write(
      'a.json',
      JSON.stringify({ mcpServers: { github: { command: 'c', env: { [name]: 'secret' } } } }),
    );
    const error = failure(() => read('a.json'));
    expect(error.message).toMatch(/a name is empty, or holds = or NUL$/u);
    expect(error.message).not.toContain('secret');
  }
});
