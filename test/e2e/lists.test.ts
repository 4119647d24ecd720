import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { widthOf } from '../../packages/cli/src/output/width.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { startPty, type PtyEnd } from '../kit/pty.ts';
import { run } from '../kit/run.ts';

// What a person sees on a terminal of some width, and what a program gets instead.

const config = `version: "1.0"
servers:
  files:
    command: [node, /opt/servers/a-server-with-a-long-name/dist/index.js, --root, /srv/data]
    env: {TOKEN: "$<TOKEN>", NOTE: 漢字の長い説明がここに入ります漢字の長い説明がここに入ります, LAUGH: "🙂"}
`;

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  writeFileSync(join(home.broker, 'config.yaml'), config, { mode: 0o600 });
  for (const name of ['API_TOKEN', 'A_VARIABLE_WITH_A_NAME_THAT_IS_QUITE_LONG']) {
    await home.set(name, 'value');
  }
  const long = `--option=${'x'.repeat(150)}`;
  await home.mcp(['exec', '--server', '漢字', '--env', 'A=$<API_TOKEN>', '--', 'true', long]);
  mkdirSync(join(home.folder, '.cursor'));
  const servers = { files: { command: 'node', env: { API_KEY: 'Kx7Qm2Rt9Wz4Vb6Nc1Hd3Jf5Lg8' } } };
  writeFileSync(join(home.folder, '.cursor/mcp.json'), JSON.stringify({ mcpServers: servers }));
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** In which `mcp` is the built command. */
function environment(): Record<string, string> {
  const path = [dirname(mcpCommand), home.env['PATH']].join(delimiter);
  return { ...home.env, PATH: path, TERM: 'xterm' };
}

async function screen(columns: number, line: string): Promise<PtyEnd> {
  return startPty('sh', ['-c', `stty cols ${columns}; exec ${line}`], { env: environment() }).ended;
}

const lists = [
  'secret list',
  'secret show API_TOKEN',
  'secret history API_TOKEN',
  'approvals',
  'status',
  'daemon status',
  'backend list',
  'backend test',
  'clients',
  'config list',
  'audit stats',
];

describe.skipIf(lacks('linux', 'python3'))('on a terminal', () => {
  const own = "mcp config list | grep -E '^(KEY|servers)'";

  const ownRows = (shown: string): string[] =>
    shown.split('\n').filter((line) => /^(?:KEY|servers)/u.test(line));

  test('of 200 columns all of a list is there', async () => {
    const { shown } = await screen(200, 'mcp config list');
    expect(ownRows(shown)).toEqual([
      'KEY                                      VALUE                                                                                 ORIGIN',
      'servers.files.command                    ["node","/opt/servers/a-server-with-a-long-name/dist/index.js","--root","/srv/data"]  file',
      'servers.files.env.TOKEN                  $<TOKEN>                                                                              file',
      'servers.files.env.NOTE                   漢字の長い説明がここに入ります漢字の長い説明がここに入ります                          file',
      'servers.files.env.LAUGH                  🙂                                                                                    file',
    ]);
  });

  test('of 80 columns long cells lose their middle', async () => {
    const { shown } = await screen(80, 'mcp config list');
    expect(ownRows(shown)).toEqual([
      'KEY                                      VALUE                           ORIGIN',
      'servers.files.command                    ["node","/opt/s…","/srv/data"]  file',
      'servers.files.env.TOKEN                  $<TOKEN>                        file',
      'servers.files.env.NOTE                   漢字の長い説明…ここに入ります   file',
      'servers.files.env.LAUGH                  🙂                              file',
    ]);
  });

  test('of 40 columns each row is a block, and nothing is lost', async () => {
    const { shown } = await screen(40, 'mcp config list');
    const blocks = shown.split('\n\n').filter((block) => block.includes('servers.files.'));
    expect(blocks.slice(0, 3).join('\n\n').split('\n')).toEqual([
      'KEY     servers.files.command',
      'VALUE   ["node","/opt/servers/a-server-w',
      '      | ith-a-long-name/dist/index.js","',
      '      | --root","/srv/data"]',
      'ORIGIN  file',
      '',
      'KEY     servers.files.env.TOKEN',
      'VALUE   $<TOKEN>',
      'ORIGIN  file',
      '',
      'KEY     servers.files.env.NOTE',
      'VALUE   漢字の長い説明がここに入ります漢',
      '      | 字の長い説明がここに入ります',
      'ORIGIN  file',
    ]);
  });

  test('in a pipe nothing is cut, whatever the terminal', async () => {
    const { shown } = await screen(40, `sh -c "${own}"`);
    expect(shown).toContain('"/opt/servers/a-server-with-a-long-name/dist/index.js"');
  });

  test.each(lists.flatMap((line) => [40, 80].map((columns) => [line, columns] as const)))(
    'mcp %s fits into %i columns',
    async (line, columns) => {
      const { shown, code } = await screen(columns, `mcp ${line}`);
      expect(code).toBe(0);
      const rows = shown.split('\n').filter((row) => !row.startsWith('mcp: '));
      expect(rows.filter((row) => widthOf(row) > columns)).toEqual([]);
    },
  );

  test('colours are there, and NO_COLOR, --no-color and TERM=dumb take them away', async () => {
    const coloured = await screen(80, 'mcp status');
    expect(coloured.raw).toContain('\u001b[32mready\u001b[39m');
    for (const line of ['NO_COLOR=1 mcp status', 'mcp status --no-color', 'TERM=dumb mcp status']) {
      const { raw, shown } = await screen(80, line.replace(/^(\w+=\w+) /u, 'env $1 '));
      expect(raw).not.toContain('\u001b');
      expect(shown).toContain('ready');
    }
  });
});

test.each(lists)('in a pipe mcp %s is whole, and has no escape', async (line) => {
  const { stdout, stderr } = await home.mcp(line.split(' '));
  expect(stdout + stderr).not.toContain('\u001b');
  expect(stdout).not.toContain('…');
});

test('--quiet leaves the result and the errors', async () => {
  const { stdout, stderr } = await home.mcp(['approvals', '--quiet']);
  expect(stdout).toContain('pending');
  expect(stderr).toBe('');
  const set = expectSuccess(await home.mcp(['config', 'set', 'settings.ttl', '3m', '--quiet']));
  expect(set).toEqual({ code: 0, stdout: '', stderr: '' });
  const wrong = await home.mcp(['config', 'set', 'settings.ttl', 'x', '--quiet']);
  expect(wrong.stderr).toMatch(/^mcp: error: .*\nmcp: hint: /u);
});

test('a reader that goes away early is no error', async () => {
  const { stdout, stderr } = await run(
    'sh',
    ['-c', 'mcp config list | head -n 1; mcp audit export | true'],
    { env: environment() },
  );
  expect(stdout).toMatch(/^KEY .*\n$/u);
  expect(stderr).toBe('');
});
