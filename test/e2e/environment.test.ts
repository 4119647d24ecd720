import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { run, type Ended, type RunOptions } from '../kit/run.ts';

// What of a client's environment its server gets, byte by byte.

const value = 'value of the token';
/** The server: it writes down the environment that it was given. */
const printed = ['/bin/cat', '/proc/self/environ'] as const;

let home: Home;
let file = '';

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', value);
  const project = join(home.folder, 'project');
  mkdirSync(project);
  file = join(project, '.mcp.json');
  const [command, ...args] = printed;
  const env = { TOKEN: '$<TOKEN>', 'my-name.x': 'of the entry', EMPTY: '', TEXT: '100% \\ " \n $' };
  const server = { command, args, env };
  const plain = { command, args, env: { 'my-name.x': 'of the entry' } };
  writeFileSync(file, JSON.stringify({ mcpServers: { server, plain } }));
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** What a client may well have: everything that is awkward, and all of it a name that any shell hands on. */
function awkward(): Record<string, string> {
  const large = Array.from({ length: 120 }, (_, index): [string, string] => [
    `LARGE_${index}`,
    'x'.repeat(10_000),
  ]);
  return {
    EMPTY_ONE: '',
    EQUALS: '=a=b==',
    LINES: 'a\nb\r\n\tc',
    QUOTES: `"'\`$(id) \\`,
    DOLLARS: '$HOME ${HOME} $ $$ ${ $< $<> ${} $<not a name>',
    UNICODE: 'ä€😀\u{10FFFF}',
    LONGEST: 'y'.repeat(131_071 - 'LONGEST='.length),
    __proto__name: 'x',
    constructor: 'x',
    toString: 'x',
    MCP_OTHER: 'not one of ours',
    MCP_ASIDE: 'nor is this',
    MCP_ASIDE_OTHER: 'nor this',
    NODE_OPTIONS: '--no-warnings',
    ...Object.fromEntries(large),
  };
}

/** The shell of the launcher sets these, whatever they were. */
const ofShell = ['PWD', 'OLDPWD', 'SHLVL', 'OPTIND', '_'];

function environmentOf(ended: Ended): Record<string, string> {
  const entries = expectSuccess(ended).stdout.split('\0').slice(0, -1);
  const pairs = entries.map((entry): [string, string] => {
    const equals = entry.indexOf('=');
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  expect(new Set(pairs.map(([name]) => name)).size).toBe(pairs.length);
  return Object.fromEntries(pairs.filter(([name]) => !ofShell.includes(name)));
}

const start = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  home.mcp(['exec', ...args], { cwd: home.folder, ...options });

describe('a server gets what its client gave', () => {
  test('without a reference: all of it, but for what says where our home is', async () => {
    const env = { ...awkward(), MCP_HOME: home.broker, MCP_LAUNCH: 'of another' };
    const { MCP_HOME: _, ...given } = { ...home.env, ...env };
    expect(environmentOf(await start(['--', ...printed], { env }))).toEqual(given);
  });

  test('with references replaced, wherever they stand, and its own launch id', async () => {
    const env = {
      ...awkward(),
      HEADER: 'Bearer $<TOKEN>!',
      WHOLE: '${TOKEN}',
      PART: 'a ${TOKEN}',
      ESCAPED: '$$<TOKEN>',
      MCP_HOME: home.broker,
      MCP_LAUNCH: 'of another',
    };
    const args = ['--env', 'MORE=x${TOKEN}', '--', ...printed];
    await home.approve(args, { cwd: home.folder, env });
    const { MCP_HOME: _, ...given } = { ...home.env, ...env };
    expect(environmentOf(await start(args, { env }))).toEqual({
      ...given,
      HEADER: `Bearer ${value}!`,
      WHOLE: value,
      ESCAPED: '$<TOKEN>',
      MORE: `x${value}`,
      MCP_LAUNCH: expect.stringMatching(/^[0-9a-f]{16}$/u) as string,
    });
  });

  test.each(['server', 'plain'])('as its client hands it on, of the entry %s', async (name) => {
    const env = { ...awkward(), MCP_HOME: home.broker, EMPTY: 'of the client' };
    const args = ['--from', file, name];
    const { MCP_HOME: _, ...given } = { ...home.env, ...env };
    if (name === 'server') await home.approve(args, { cwd: home.folder, env });
    const MCP_LAUNCH = expect.any(String) as string;
    const ofServer = { TOKEN: value, EMPTY: '', TEXT: '100% \\ " \n $', MCP_LAUNCH };
    expect(environmentOf(await start(args, { env }))).toEqual({
      ...given,
      'my-name.x': 'of the entry',
      ...(name === 'server' ? ofServer : {}),
    });
  });

  test('and of bytes that are no UTF-8 what Node makes of them', async () => {
    // A shell, since Node cannot write such a variable either.
    const script = 'BAD=$(printf "a\\377b") exec "$0" exec -- "$@"';
    const { stdout } = await run('/bin/sh', ['-c', script, mcpCommand, ...printed], {
      env: home.env,
    });
    expect(stdout.split('\0')).toContain('BAD=a\uFFFDb');
  });
});

test.skipIf(lacks('dash', 'bash'))(
  'a name that is no shell’s is lost where /bin/sh is dash, and not where it is bash',
  async () => {
    const seen = async (shell: string): Promise<boolean> => {
      const args = ['-c', `exec ${shell} "$0" exec -- "$@"`, mcpCommand, ...printed];
      const { stdout } = await run('/bin/bash', args, { env: { ...home.env, 'my-name': 'x' } });
      return stdout.split('\0').includes('my-name=x');
    };
    expect([await seen('dash'), await seen('bash')]).toEqual([false, true]);
  },
);
