import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, locatePaths } from '@mcp-broker/daemon/client';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { launchOf } from '../kit/protocol.ts';
import { startPty } from '../kit/pty.ts';
import type { Ended, RunOptions } from '../kit/run.ts';

// B19: whoever chooses a name, an argument, a path or a value writes to a person's terminal, and to the
// files that a person reads there.

/** Clears the screen, colours, begins lines of ours, overwrites them, turns text around, hides, looks like an i. */
const hostile = 'x\u001b[2J\u009b31m\nmcp: approved\ncode: AAAA\r\u202e\u200b\u2028і';
const acts = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u;

let home: Home;
let folder = '';
let broker = '';
let command = '';
let id = '';
let made: Ended;
beforeAll(async () => {
  home = await createHome({ kind: 'empty' });
  // Within the hundred bytes that the path of a socket may have.
  broker = join(home.folder, 'h\u001b[2J\n\u202e');
  folder = join(home.folder, hostile);
  mkdirSync(folder);
  command = join(folder, hostile);
  writeFileSync(command, '#!/bin/sh\nexit 7\n', { mode: 0o755 });
  made = expectSuccess(await mcp(['init', '--yes', '--fd', '3'], { fd3: home.passphrase }));
  expectSuccess(await mcp(['secret', 'set', 'TOKEN', '--stdin'], { input: hostile }));
  const refused = await mcp(launch);
  id = /approve (\w{4})$/mu.exec(refused.stderr)?.[1] ?? '';
  const client = await connect(locatePaths({ home: broker }), { client: hostile });
  await client.call('launch.request', launchOf('TOKEN', { server: hostile })).catch(() => {});
  client.close();
}, 60_000);
afterAll(async () => {
  await mcp(['daemon', 'stop']);
  await home.remove();
});

const mcp = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  home.mcp(args, { cwd: folder, ...options, env: { MCP_HOME: broker, ...options.env } });

/** With a hostile server name, command, argument, literal value and working folder. */
const launch = [
  'exec',
  '--server',
  hostile,
  '--env',
  'A=$<TOKEN>',
  '--env',
  `NODE_OPTIONS=${hostile}`,
];
launch.push('--', './' + hostile, hostile);

/** Nothing acts on a terminal, and no line begins as the text had it. */
function expectHarmless(text: string): void {
  expect(acts.exec(text)?.[0], JSON.stringify(text)).toBeUndefined();
  expect(text).not.toMatch(/^(?:mcp: approved|code: AAAA)/mu);
}

test.each<[what: string, args: () => readonly string[], code: number]>([
  ['exec that waits for a person', () => launch, 77],
  ['exec of what is not there', () => ['exec', '--', hostile], 127],
  [
    'exec of an unknown variable',
    () => ['exec', '--env', `A=$<NONE> ${hostile}`, '--', '/bin/true'],
    66,
  ],
  ['exec of a path in a reference', () => ['exec', '--env', 'A=$<vault:a/b#c>', '--', command], 66],
  ['exec with a name that is none', () => ['exec', '--env', `${hostile}=$<TOKEN>`, '--', 'x'], 64],
  ['exec of a server of the config', () => ['exec', hostile], 66],
  ['a command that is none', () => [hostile], 64],
  ['an option that is none', () => ['status', `--${hostile}`], 64],
  ['status', () => ['status'], 0],
  ['status --json', () => ['status', '--json'], 0],
  ['approvals', () => ['approvals'], 0],
  ['approvals --json', () => ['approvals', '--json'], 0],
  ['approve of a server', () => ['approve', hostile, '--fd', '3'], 64],
  ['deny', () => ['deny', hostile], 64],
  ['approvals revoke', () => ['approvals', 'revoke', hostile], 66],
  ['secret set', () => ['secret', 'set', hostile, '--stdin'], 64],
  ['secret show', () => ['secret', 'show', hostile], 64],
  ['secret list', () => ['secret', 'list'], 0],
  ['audit tail', () => ['audit', 'tail'], 0],
  ['audit search', () => ['audit', 'search', '--server', hostile], 0],
  ['audit search for nothing', () => ['audit', 'search', '--variable', hostile], 0],
  ['audit stats', () => ['audit', 'stats'], 0],
  ['audit export', () => ['audit', 'export'], 0],
  ['audit export --format csv', () => ['audit', 'export', '--format', 'csv'], 0],
  ['audit export in a format that is none', () => ['audit', 'export', '--format', hostile], 64],
  ['audit verify', () => ['audit', 'verify'], 0],
  ['daemon status', () => ['daemon', 'status'], 0],
])('B19: %s shows a person nothing that acts', async (_what, args, code) => {
  const { stdout, stderr, ...ended } = await mcp(args(), { fd3: 'wrong' });
  // The lines of a table for spreadsheets end as they do.
  expectHarmless((stdout + stderr).replaceAll('\r\n', '\n'));
  expect(ended.code, stdout + stderr).toBe(code);
});

test('B19: init shows what to put into a client, and no path acts', () => {
  expectHarmless(made.stdout + made.stderr);
  expect(made.stdout + made.stderr).toContain(String.raw`h\u001b[2J\n`);
});

test('B19: approve --fd shows the whole request, and grants it', async () => {
  const ended = expectSuccess(await mcp(['approve', id, '--fd', '3'], { fd3: home.passphrase }));
  expectHarmless(ended.stdout + ended.stderr);
  expect(ended.stderr).toContain(String.raw`x\e[2J\x9b31m\nmcp: approved\ncode: AAAA\r\u{202e}`);
  // What the server makes of it is its own: each byte reaches it.
  expect((await mcp(launch)).code).toBe(7);
});

test.skipIf(lacks('python3'))(
  'B19, B24: on a terminal one row alone begins with code, and it has the code that is good',
  async () => {
    const other = [...launch, 'another'];
    const waits = /approve (\w{4})$/mu.exec((await mcp(other)).stderr)?.[1] ?? '';
    const env = { ...home.env, MCP_HOME: broker };
    const terminal = startPty(mcpCommand, ['approve', waits], { env });
    await terminal.see(/Type the code/u);
    const codes = [...terminal.shown.matchAll(/^code: (\w{4})$/gmu)];
    expect(codes).toHaveLength(1);
    expectHarmless(terminal.shown);
    terminal.type(`${codes[0]?.[1]}\n`);
    expect((await terminal.ended).code).toBe(0);
  },
);

test('B19: a broken config, and a log of the daemon that tells of it', async () => {
  const file = join(broker, 'config.yaml');
  const text = readFileSync(file, 'utf8');
  const key = JSON.stringify(hostile);
  for (const broken of [
    `${key}: 1\n`,
    `aliases: {${key}: [1]}\n`,
    `backends: {${key}: {kind: ${key}}}\n`,
  ]) {
    writeFileSync(file, text + broken);
    const checked = await mcp(['config', 'check']);
    expect(checked.code).toBe(78);
    expectHarmless(checked.stderr + checked.stdout);
    const json = await mcp(['config', 'check', '--json']);
    expectHarmless(json.stderr + json.stdout);
    const client = await connect(locatePaths({ home: broker }), { client: 'test' });
    await expect(client.call('config.reload', {})).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    client.close();
  }
  const log = locatePaths({ home: broker }).log;
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  expectHarmless(lines.join('\n'));
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /u);
  expect(lines.filter((line) => line.includes('config: kept'))).not.toHaveLength(0);
  const shown = await mcp(['daemon', 'logs']);
  expectHarmless(shown.stdout + shown.stderr);
  const stored = readFileSync(join(broker, 'audit', 'current.jsonl'), 'utf8');
  expectHarmless(stored);
  writeFileSync(file, text);
});
