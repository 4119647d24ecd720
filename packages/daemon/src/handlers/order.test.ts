import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Broker } from '../broker.ts';
import type { Context } from '../listener/handler.ts';
import type { Platform } from '../platform/platform.ts';
import type { EntryLaunchRequest } from '../protocol/messages.ts';
import { orderOf, type Order } from './order.ts';

let root = '';
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-order-')));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const ours = { user: 'u', pid: 'p', mount: 'm' };
const peer = { pid: 4, uid: 1, startTime: '1' };

function order(
  request: Partial<EntryLaunchRequest>,
  environment: Readonly<Record<string, string>> = {},
  theirs: typeof ours | 'unread' = ours,
): Promise<Order> {
  const platform = {
    process: () => ({ workingDirectory: root }),
    namespaces: (pid: number) =>
      pid !== peer.pid ? ours : theirs === 'unread' ? undefined : theirs,
  } as unknown as Platform;
  const servers = {
    github: {
      command: ['show', 'x'],
      env: { TOKEN: '$<TOKEN>', PATH: '/own' },
      cwd: root,
    },
  };
  const broker = {
    platform,
    config: { servers },
    loaded: { digest: 'd' },
    paths: { config: '/c.yaml' },
    reload: async () => undefined,
  } as unknown as Broker;
  const attachment = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  const context = { peer, attachments: [Buffer.from(attachment.join(''))] } as unknown as Context;
  return orderOf(broker, { entry: { name: 'github' }, environment: [], ...request }, context);
}

/** As a wrapper names an entry, by files that it has read. */
function named(file: string, ...others: readonly string[]): EntryLaunchRequest['entry'] {
  const shown = [file, ...others].map((path) => ({
    path,
    sha256: hash('sha256', readFileSync(path)),
  }));
  return { file, name: 'github', shown };
}

/** An entry of a file of Claude Code. */
function inFile(entry: object): Partial<EntryLaunchRequest> {
  const file = join(root, '.mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { github: { command: 'show', ...entry } } }));
  return { entry: named(file) };
}

describe('an entry becomes what is launched', () => {
  test('with its PATH, its folder, and the names that it inherits', async () => {
    const inherited = { HOME: '/h', PATH: '/theirs', ANY: 'x', LC_ALL: '() { echo; }', LANG: 'C' };
    expect(await order({}, inherited)).toMatchObject({
      command: 'show',
      args: ['x'],
      path: '/own',
      cwd: root,
      server: 'github',
      origin: '"github" of servers in /c.yaml',
      entry: { inherit: ['HOME', 'LANG'], cwd: root },
    });
  });

  test('and what the launch sets comes before what the entry sets', async () => {
    const environment = [{ name: 'TOKEN', value: '${OTHER}', origin: 'entry' as const }];
    const { entry } = await order({ environment });
    expect(entry?.environment.find(({ name }) => name === 'TOKEN')?.text).toEqual([
      { kind: 'variable', name: 'OTHER' },
    ]);
  });

  test('of a variable that it takes from the environment the digest counts, and no value is told', async () => {
    const file = join(root, '.cursor', 'mcp.json');
    mkdirSync(join(root, '.cursor'));
    const github = { command: 'show', env: { A: 'x ${env:KEY}' } };
    writeFileSync(file, JSON.stringify({ mcpServers: { github } }));
    const request = { entry: named(file) };
    const found = await order(request, { KEY: '$<TOKEN> secret' });
    expect(found.entry?.environment).toEqual([
      { name: 'A', text: ['x ', { kind: 'inherited', name: 'KEY' }] },
    ]);
    expect(found.environment).toContainEqual({ name: 'A', value: 'x ${env:KEY}', origin: 'entry' });
    expect(found.inherited).toEqual([{ name: 'KEY', digest: expect.any(String) as string }]);
    expect(JSON.stringify({ ...found, templates: null })).not.toContain('secret');
    // What an inherited value holds is not read again.
    expect(found.templates?.get('A')).toEqual(['x ', '$<TOKEN> secret']);
    const other = await order(request, { KEY: 'other' });
    expect(other.inherited).not.toEqual(found.inherited);
  });

  test('so does the digest of one that Codex is to hand on, as long as it is there', async () => {
    const file = join(root, 'config.toml');
    writeFileSync(file, '[mcp_servers.github]\ncommand = "show"\nenv_vars = ["KEY", "GONE"]\n');
    const request = { entry: named(file) };
    const found = await order(request, { KEY: 'secret', ANY: 'x', HOME: '/h' });
    expect(found.entry?.inherit).toEqual(['KEY', 'HOME']);
    expect(found.inherited.map(({ name, value }) => [name, value])).toEqual([
      ['HOME', '/h'],
      ['KEY', undefined],
    ]);
    for (const other of [{ KEY: 'other' }, {}, { KEY: 'secret', GONE: '' }]) {
      const { inherited } = await order(request, { ...other, HOME: '/h' });
      expect(inherited).not.toEqual(found.inherited);
    }
  });

  test('but of one that loads code the value counts, and is followed', async () => {
    const found = await order(inFile({ env: { NODE_OPTIONS: '${OPTIONS}' } }), {
      OPTIONS: '--require=/x.js',
    });
    expect(found.environment).toEqual([
      { name: 'NODE_OPTIONS', value: '--require=/x.js', origin: 'entry' },
    ]);
  });

  test('with the inherited variables that steer it, unless it sets them itself', async () => {
    const steering = { NODE_OPTIONS: '--a', API_URL: 'u', ANY: 'x' };
    const found = await order(inFile({ env: { API_URL: 'mine' } }), steering);
    expect(found.inherited.map(({ name }) => name)).toEqual(['NODE_OPTIONS']);
    expect((await order({}, steering)).inherited).toEqual([]);
  });
});

describe('an entry is refused', () => {
  test.each<[what: string, theirs: typeof ours | 'unread']>([
    ['another mount namespace', { ...ours, mount: 'x' }],
    ['another user namespace', { ...ours, user: 'x' }],
    ['namespaces that cannot be read', 'unread'],
  ])('to a process of %s: it would be told of files that it cannot see', async (_what, theirs) => {
    for (const request of [{}, inFile({})]) {
      await expect(order(request, {}, theirs)).rejects.toMatchObject({ code: 'ERR_DENIED' });
    }
  });

  test('when its folder is not there, or its file is no absolute path', async () => {
    await expect(order(inFile({ cwd: 'none' }))).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: `the working folder of the entry is not there: ${join(root, 'none')}`,
    });
    await expect(order({ entry: { file: '.mcp.json', name: 'x' } })).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
  });
});

describe('nothing is told of a file that the wrapper has not read', () => {
  const code = (): { file: string; envFile: string } => {
    const folder = join(root, '.vscode');
    const [file, envFile] = [join(folder, 'mcp.json'), join(root, '.env')];
    mkdirSync(folder, { recursive: true });
    const github = { command: 'show', envFile: '${workspaceFolder}/.env' };
    writeFileSync(file, JSON.stringify({ servers: { github } }));
    writeFileSync(envFile, 'A=secret\n');
    return { file, envFile };
  };

  test('neither of the entry’s own', async () => {
    const { file, envFile } = code();
    for (const entry of [
      { file, name: 'github' },
      { file, name: 'none' },
      { ...named(envFile), file },
    ]) {
      await expect(order({ entry })).rejects.toMatchObject({ path: file });
    }
  });

  test('nor of its envFile', async () => {
    const { file, envFile } = code();
    await expect(order({ entry: named(file) })).rejects.toMatchObject({ path: envFile });
    const found = await order({ entry: named(file, envFile) });
    expect(found.entry?.environment).toContainEqual({ name: 'A', text: ['secret'] });
  });

  test('nor of one that has changed since', async () => {
    const { file, envFile } = code();
    const entry = named(file, envFile);
    writeFileSync(envFile, 'A=another\n');
    await expect(order({ entry })).rejects.toMatchObject({ path: envFile });
    writeFileSync(file, '{ "servers": { "secret": {} }, ');
    await expect(order({ entry })).rejects.toMatchObject({ path: file });
  });
});
