import { Client } from '@modelcontextprotocol/client';
import {
  DEFAULT_INHERITED_ENV_VARS,
  StdioClientTransport,
} from '@modelcontextprotocol/client/stdio';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inheritedNames, sdkNames } from '../../packages/daemon/src/entries/allow-list.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { connectTo } from '../kit/protocol.ts';
import type { Ended, RunOptions } from '../kit/run.ts';
import { officialServer } from '../kit/servers.ts';

// Servers whose launch stands in a file: `servers:` of config.yaml, and the files of MCP clients.

const samples = fileURLToPath(new URL('../fixtures/clients', import.meta.url));
const value = 'value of the token';
const literal = 'literal-4f1d9c';

let home: Home;
let bin = '';
let env: Readonly<Record<string, string>>;

interface Shown {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

function show(ended: Ended): Shown {
  return JSON.parse(expectSuccess(ended).stdout) as Shown;
}

const start = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  home.mcp(['exec', ...args], { cwd: home.folder, ...options, env: { ...env, ...options.env } });

async function approve(args: readonly string[], options: RunOptions = {}): Promise<void> {
  await home.approve(args, { cwd: home.folder, ...options, env: { ...env, ...options.env } });
}

async function reload(): Promise<void> {
  const client = await connectTo(home);
  await client.call('config.reload', {});
  client.close();
}

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', value);
  bin = join(home.folder, 'bin');
  mkdirSync(bin);
  const program =
    'console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env, cwd: process.cwd() }))';
  writeFileSync(join(bin, 'show.cjs'), program);
  const line = `#!/bin/sh\nexec "${process.execPath}" "${join(bin, 'show.cjs')}" "$@"\n`;
  writeFileSync(join(bin, 'show'), line, { mode: 0o755 });
  cpSync(samples, join(home.folder, 'clients'), { recursive: true });
  env = { PATH: `${bin}:${home.env['PATH'] ?? ''}`, PRESET: 'preset', LC_TIME: 'C', ANY: 'any' };
  appendFileSync(
    join(home.broker, 'config.yaml'),
    `servers:
  github:
    command: [show, --port, "1"]
    env: {TOKEN: "$<TOKEN>", MODE: ${literal}}
    cwd: ${join(home.folder, 'clients')}
  texts:
    command: [show]
    env: {MIXED: "a $<TOKEN> \${TOKEN} b", DEFAULT: "\${NO_SUCH:-of the entry}", EMPTY: "$<NO_SUCH:->", ESCAPED: "$$<TOKEN>"}
    cwd: ~/clients
  nowhere: {command: [show], cwd: ~/no-such-folder}
  plain: {command: [show]}
  lost: {command: [no-such-program], env: {TOKEN: "$<TOKEN>"}}
`,
  );
}, 60_000);
afterAll(async () => {
  await home.remove();
});

describe('mcp exec NAME', () => {
  test('starts a server of config.yaml in its folder, with a small environment', async () => {
    await approve(['github']);
    const shown = show(await start(['github']));
    expect(shown.args).toEqual(['--port', '1']);
    expect(shown.cwd).toBe(realpathSync(join(home.folder, 'clients')));
    // The shell that runs the script adds some of its own.
    const { MCP_LAUNCH, PWD: _pwd, OLDPWD: _oldpwd, SHLVL: _depth, _, ...rest } = shown.env;
    expect(MCP_LAUNCH).toMatch(/^[0-9a-f]{16}$/u);
    expect(rest).toEqual({
      HOME: home.folder,
      LC_TIME: 'C',
      MODE: literal,
      PATH: env['PATH'],
      TOKEN: value,
    });
  });

  test('puts values and defaults in anywhere in its texts, and takes ~ for the home folder', async () => {
    await approve(['texts']);
    const { env: seen, cwd } = show(await start(['texts']));
    expect(seen).toMatchObject({
      MIXED: `a ${value} ${value} b`,
      DEFAULT: 'of the entry',
      EMPTY: '',
      ESCAPED: '$<TOKEN>',
    });
    expect(cwd).toBe(realpathSync(join(home.folder, 'clients')));
    expect(await start(['nowhere'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('the working folder of the entry is not there') as string,
    });
  });

  test('starts one without references as it is, also while the sealed file is locked', async () => {
    expectSuccess(await home.mcp(['lock']));
    const { env: seen } = show(await start(['plain']));
    expect(seen).not.toHaveProperty('ANY');
    expect((await start(['github'])).code).toBe(75);
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
  });

  test('keeps what the entry says in so many words out of the grants', () => {
    const grants = readFileSync(join(home.broker, 'grants'), 'utf8');
    expect(grants).toContain('TOKEN');
    expect(grants).not.toContain(literal);
  });

  test.each<[what: string, from: string, to: string]>([
    ['an argument', '--port, "1"', '--port, "2"'],
    ['a literal value', `MODE: ${literal}`, 'MODE: other'],
    ['a variable more', `MODE: ${literal}`, `MODE: ${literal}, MORE: "1"`],
    ['a default', '$<TOKEN>", MODE', '$<TOKEN:->", MODE'],
    ['its folder', '/clients\n', '/clients/zed\n'],
  ])('asks again when this changes: %s', async (_what, from, to) => {
    const file = join(home.broker, 'config.yaml');
    const before = readFileSync(file, 'utf8');
    expect(before).toContain(from);
    try {
      writeFileSync(file, before.replace(from, to));
      await reload();
      const { code, stderr } = await start(['github']);
      expect({ code, stderr }).toMatchObject({ code: 77 });
    } finally {
      writeFileSync(file, before);
      await reload();
    }
    expect((await start(['github'])).code).toBe(0);
  });

  test('names what is there when the name is not, and the folders that were searched', async () => {
    expect(await start(['gihtub'])).toMatchObject({
      code: 66,
      stderr: expect.stringMatching(
        /has no server gihtub: did you mean github\?\n.*its servers: github, lost, nowhere, plain, texts; .*: mcp exec -- gihtub\n/u,
      ) as string,
    });
    expect(await start(['lost'])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining(`no-such-program (in ${env['PATH'] ?? ''}`) as string,
    });
  });
});

describe('mcp exec --from', () => {
  const clients: [client: string, file: string, more: Record<string, string | undefined>][] = [
    [
      'Claude Desktop',
      'claude-desktop/claude_desktop_config.json',
      { PLAIN: '$PRESET', ANY: undefined, LC_TIME: undefined },
    ],
    ['Claude Code', 'claude-code/.mcp.json', { PLAIN: 'a preset b', ANY: 'any' }],
    ['Cursor', 'cursor/.cursor/mcp.json', { PLAIN: 'a preset b', ANY: undefined }],
    ['VS Code', 'vscode/.vscode/mcp.json', { PLAIN: 'a preset b', ANY: 'any', PORT: '3000' }],
    ['Kiro', 'kiro/.kiro/settings/mcp.json', { PLAIN: '$PRESET', ANY: undefined }],
    [
      'Gemini',
      'gemini/.gemini/settings.json',
      { PLAIN: 'a preset b', MANGLED: 'pa$', OTHER: value, ANY: 'any' },
    ],
    [
      'Windsurf',
      'windsurf/.codeium/windsurf/mcp_config.json',
      { PLAIN: 'a preset b', ANY: undefined },
    ],
    ['Zed', 'zed/.zed/settings.json', { PLAIN: '${env-PRESET}', ANY: 'any' }],
    [
      'Codex',
      'codex/.codex/config.toml',
      { PLAIN: '${PRE-SET}', PRESET: 'preset', ANY: undefined },
    ],
  ];
  test.each(clients)('starts an entry as %s does', async (_client, file, more) => {
    const args = ['--from', join('clients', file), 'github'];
    await approve(args);
    const shown = show(await start(args));
    expect(shown.env['TOKEN']).toBe(value);
    for (const [name, text] of Object.entries(more))
      expect([name, shown.env[name]]).toEqual([name, text]);
    expect(shown.env).not.toHaveProperty('MCP_HOME');
  });

  test('asks again when the file has moved, and when a variable that it names has changed', async () => {
    const folder = join(home.folder, 'moved');
    mkdirSync(folder);
    const [file, other] = [join(folder, '.mcp.json'), join(folder, 'below', '.mcp.json')];
    mkdirSync(dirname(other));
    cpSync(join(home.folder, 'clients', 'claude-code', '.mcp.json'), file);
    await approve(['--from', file, 'github']);
    expect((await start(['--from', file, 'github'])).code).toBe(0);
    expect((await start(['--from', file, 'github'], { env: { PRESET: 'other' } })).code).toBe(77);
    renameSync(file, other);
    expect((await start(['--from', file, 'github'])).code).toBe(66);
    expect((await start(['--from', other, 'github'])).code).toBe(77);
  });

  test('refuses what is no entry of a local server, and says where', async () => {
    const file = join(home.folder, 'clients', 'vscode', '.vscode', 'mcp.json');
    const expected: [name: string, code: number, says: RegExp][] = [
      ['remote', 78, /mcp\.json: line \d+: server remote: it is a remote server/u],
      ['asks', 78, /\$\{input:token\} is not read by mcp/u],
      ['none', 66, /its servers: asks, boxed, file, github, home, remote/u],
    ];
    for (const [name, code, says] of expected) {
      const ended = await start(['--from', file, name]);
      expect(ended).toMatchObject({ code, stderr: expect.stringMatching(says) as string });
    }
  });
});

test('tells nothing of a file to a process that cannot have read it', async () => {
  const folder = join(home.folder, 'hidden');
  const file = join(folder, '.vscode', 'mcp.json');
  mkdirSync(dirname(file), { recursive: true });
  const github = { command: 'show', envFile: '${workspaceFolder}/.env', env: { B: literal } };
  writeFileSync(file, JSON.stringify({ servers: { github } }));
  writeFileSync(join(folder, '.env'), `A=${value}\n`);
  const client = await connectTo(home);
  const environment = Buffer.from(`HOME=${home.folder}\0`);
  const other = { path: file, sha256: '0'.repeat(64) };
  for (const entry of [
    { file, name: 'github' },
    { file, name: 'github', shown: [other] },
  ]) {
    const attachments = [environment];
    const call = client.call('launch.request', { entry, environment: [] }, { attachments });
    const launch = expect.any(String) as string;
    expect((await call).result).toEqual({ launch, ticket: '', files: [], show: file });
  }
  client.close();
  const shown = show(await start(['--from', file, 'github']));
  expect(shown.env).toMatchObject({ A: value, B: literal });
});

test('clients that are built on the SDK hand on what the SDK does', () => {
  expect(DEFAULT_INHERITED_ENV_VARS.toSorted()).toEqual(sdkNames.toSorted());
  expect(sdkNames.filter((name) => !inheritedNames.includes(name))).toEqual([]);
});

test('the official client gets the official server by an entry of a file', async () => {
  const file = join(home.folder, 'any.json');
  const everything = {
    command: process.execPath,
    args: [officialServer('everything'), 'stdio'],
    env: { TOKEN: '$<TOKEN>' },
  };
  writeFileSync(file, JSON.stringify({ mcpServers: { everything } }));
  const args = ['--from', file, 'everything'];
  await approve(args);
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StdioClientTransport({
    command: mcpCommand,
    args: ['exec', ...args],
    env: { ...home.env, ...env },
    stderr: 'pipe',
  });
  try {
    await client.connect(transport);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('get-env');
    expect(JSON.stringify(await client.callTool({ name: 'get-env' }))).toContain(value);
  } finally {
    await client.close();
  }
});

describe('a client without the PATH of its user', () => {
  test('has its server found by settings.path, which the server has behind its own', async () => {
    const file = join(home.broker, 'config.yaml');
    const before = readFileSync(file, 'utf8');
    const other = join(home.folder, 'other');
    mkdirSync(other);
    cpSync(join(bin, 'show'), join(other, 'tool'));
    chmodSync(join(other, 'tool'), 0o755);
    const args = ['--env', 'TOKEN=$<TOKEN>', '--', 'tool'];
    // Our own launcher needs its Node.
    const own = `${dirname(process.execPath)}:/usr/bin:/bin`;
    const poor = { env: { PATH: own } };
    const lost = await start(args, poor);
    expect(lost).toMatchObject({
      code: 127,
      stderr: expect.stringContaining(`command not found: tool (in ${own}`) as string,
    });
    writeFileSync(
      file,
      before.replace(/^ {2}#? ?path: .*$/mu, `  path: [${JSON.stringify(other)}]`),
    );
    await reload();
    await approve(args, poor);
    const { env: seen } = show(await start(args, poor));
    expect(seen['PATH']).toBe(`${own}:${other}`);
  });
});
