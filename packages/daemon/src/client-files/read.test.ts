import { mkdirSync, mkdtempSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientPlaces, type ClientPlace } from './places.ts';
import { readClientFile, type ClientServer } from './read.ts';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-clients-'));
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

function place(client: string): ClientPlace {
  const found = clientPlaces({ home, platform: 'linux', environment: {} }).find(
    (one) => one.client === client,
  );
  if (found === undefined) throw new Error(`no place of ${client}`);
  return found;
}

function read(client: string, text: string): readonly ClientServer[] | undefined {
  const at = place(client);
  mkdirSync(dirname(at.file), { recursive: true });
  writeFileSync(at.file, text);
  return readClientFile(at);
}

const likeMost = { command: 'node', args: ['x.js'], env: { TOKEN: 'v' } };
const json = (key: string, server: unknown): string => JSON.stringify({ [key]: { one: server } });

describe('the servers of a file', () => {
  test.each([
    ['Claude Desktop', json('mcpServers', likeMost)],
    ['Claude Code', json('mcpServers', likeMost)],
    ['Cursor', `{ // a comment\n "mcpServers": { "one": ${JSON.stringify(likeMost)}, }, }`],
    ['VS Code', json('servers', likeMost)],
    [
      'Zed',
      json('context_servers', { command: { path: 'node', ...likeMost, command: undefined } }),
    ],
    ['Zed', json('context_servers', likeMost)],
    ['Codex', '[mcp_servers.one]\ncommand = "node"\nargs = ["x.js"]\nenv = { TOKEN = "v" }'],
    ['Cline', json('mcpServers', { transport: { type: 'stdio', ...likeMost } })],
    ['OpenCode', json('mcp', { command: ['node', 'x.js'], environment: { TOKEN: 'v' } })],
    ['Continue', 'mcpServers:\n- name: one\n  command: node\n  args: [x.js]\n  env: {TOKEN: v}\n'],
    ['Goose', 'extensions:\n  one: {cmd: node, args: [x.js], envs: {TOKEN: v}}\n'],
  ])('are read from the file of %s', (client, text) => {
    const [server, ...others] = read(client, text) ?? [];
    expect(others).toEqual([]);
    expect(server).toMatchObject({
      name: 'one',
      command: ['node', 'x.js'],
      env: { TOKEN: 'v' },
      disabled: false,
    });
    expect(server?.texts.filter(({ text: value }) => value === 'v')).toMatchObject([
      { keys: expect.arrayContaining(['TOKEN']) as string[] },
    ]);
  });

  test('have the line of each of their texts, and tell a remote one and one that is off', () => {
    const [remote, off] =
      read(
        'Cursor',
        '{"mcpServers": {\n"a": {"url": "https://x",\n"headers": {"X": "v"}},\n"b": {"disabled": true}}}',
      ) ?? [];
    expect(remote).toMatchObject({ command: [], url: 'https://x', disabled: false });
    expect(remote?.texts).toEqual([
      { keys: ['url'], text: 'https://x', line: 2 },
      { keys: ['headers', 'X'], text: 'v', line: 3 },
    ]);
    expect(off).toMatchObject({ name: 'b', disabled: true });
  });

  test('of all projects of Claude Code are found, with their folder', () => {
    const text = JSON.stringify({
      projects: { '/p': { mcpServers: { two: likeMost } }, '/q': {} },
      mcpServers: { one: likeMost },
    });
    expect(read('Claude Code', text)?.map(({ name, project }) => [name, project])).toEqual([
      ['one', undefined],
      ['two', '/p'],
    ]);
  });

  test.each([
    ['nothing', '', []],
    ['no servers', '{"other": 1}', []],
    ['something else in their place', '{"mcpServers": ["a", 1, null]}', []],
    ['entries that are none', '{"mcpServers": {"a": 1, "b": null}}', []],
  ])('are none in a file with %s', (_, text, servers) => {
    expect(read('Cursor', text)).toEqual(servers);
  });

  test('are undefined without a file, and an error without the text when it cannot be read', () => {
    expect(readClientFile(place('Kiro'))).toBeUndefined();
    expect(() => read('Cursor', '{"mcpServers": hunter2')).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG',
        message: expect.not.stringContaining('hunter2') as string,
      }),
    );
    expect(() => read('Goose', 'extensions: {hunter2}')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG' }),
    );
    chmodSync(place('Cursor').file, 0o666);
    expect(() => readClientFile(place('Cursor'))).toThrow(
      expect.objectContaining({ code: 'ERR_INSECURE_FILE' }),
    );
  });
});
