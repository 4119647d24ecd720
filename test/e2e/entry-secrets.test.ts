import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findIn, findInArguments, findInFiles } from '../kit/canary.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { startPty } from '../kit/pty.ts';
import { start, type Ended } from '../kit/run.ts';

// A client's file with a reference, and with secrets that nobody has moved to the broker yet: in `env`, in
// front of a reference, as a default, and in an envFile.

const canary = (name: string): string => `${name}-${randomBytes(18).toString('base64url')}`;
const value = canary('value');
const literals = ['env', 'part', 'default', 'file', 'changed'].map(canary);
const [inEnv = '', inPart = '', inDefault = '', inFile = '', changed = ''] = literals;

let home: Home;
let file = '';
const outputs: string[] = [];

function write(literal: string, port: string): void {
  const server = {
    command: '/bin/sh',
    args: ['-c', 'printf "%s %s\\n" "$TOKEN" "$LITERAL"; read -r end', port],
    env: {
      TOKEN: '$<TOKEN>',
      LITERAL: literal,
      HEADER: `Bearer ${inPart} $<TOKEN>`,
      OTHER: `\${UNKNOWN:-${inDefault}}`,
      NODE_OPTIONS: '--no-warnings',
    },
    envFile: '${workspaceFolder}/.env',
  };
  writeFileSync(file, JSON.stringify({ servers: { server } }));
}

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', value);
  const folder = join(home.folder, 'project');
  mkdirSync(join(folder, '.vscode'), { recursive: true });
  writeFileSync(join(folder, '.env'), `FROM_FILE=${inFile}\n`);
  file = join(folder, '.vscode', 'mcp.json');
  write(inEnv, '1');
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** All that the command says is looked through at the end. */
async function mcp(...args: readonly string[]): Promise<Ended> {
  const ended = await home.mcp(args, { fd3: `${home.passphrase}\n` });
  outputs.push(ended.stdout, ended.stderr);
  return ended;
}

interface Listed {
  readonly id: string;
  readonly launch: { readonly environment: readonly { name: string; value: string }[] };
  readonly changes?: readonly { field: string; before: string | null; after: string | null }[];
}

async function pending(): Promise<Listed | undefined> {
  const { stdout } = expectSuccess(await mcp('approvals', 'list', '--json'));
  return (JSON.parse(stdout) as { pending: Listed[] }).pending[0];
}

describe('an entry of a client’s file', () => {
  test('waits for its approval, runs with its values, and tells them to nobody else', async () => {
    const args = ['exec', '--wait-approval', '5m', '--from', file, 'server'];
    const launch = start(mcpCommand, args, { env: home.env, keepInput: true });
    let stdout = '';
    launch.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    launch.stderr?.on('data', (chunk: Buffer) => outputs.push(chunk.toString()));
    await expect.poll(async () => (await pending())?.id, { timeout: 20_000 }).toMatch(/^\w{4}$/u);
    const { id = '', launch: listed } = (await pending()) ?? {};
    // What is loaded is to be seen, and that there are other texts, and which are the same.
    expect(listed?.environment).toEqual(
      expect.arrayContaining([
        { name: 'TOKEN', value: '$<TOKEN>', origin: 'entry' },
        { name: 'NODE_OPTIONS', value: '--no-warnings', origin: 'entry' },
        { name: 'LITERAL', value: expect.stringMatching(/^sha256:/u) as string, origin: 'entry' },
        { name: 'FROM_FILE', value: expect.stringMatching(/^sha256:/u) as string, origin: 'entry' },
      ]),
    );
    expectSuccess(await mcp('approve', id, '--fd', '3'));
    await expect.poll(() => stdout, { timeout: 20_000 }).toBe(`${value} ${inEnv}\n`);
    const inArguments = await Promise.all([value, ...literals].map(findInArguments));
    launch.stdin?.end('\n');
    await once(launch, 'close');
    expect(inArguments.flatMap(({ finds }) => finds)).toEqual([]);
  });

  test('asks again when a literal and an argument change, and lists which', async () => {
    write(changed, '2');
    expect((await mcp('exec', '--from', file, 'server')).code).toBe(77);
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/u) as string;
    expect((await pending())?.changes).toEqual([
      { field: 'argument 3', before: '1', after: '2' },
      { field: 'environment LITERAL', before: digest, after: digest },
    ]);
  });

  needs('python3')('and shows it whole on the terminal of who decides', async () => {
    const { id = '' } = (await pending()) ?? {};
    const terminal = startPty(mcpCommand, ['approve', id], { env: home.env });
    await terminal.see(/code: \w{4}/u);
    terminal.type('\u0003');
    const { shown } = await terminal.ended;
    expect(shown).toMatch(
      /changed since it was approved:\n\s+argument 3\n\s+- "?1"?\n\s+\+ "?2"?\n/u,
    );
    const whole = shown.replaceAll(/\n\s*/gu, '');
    for (const literal of [changed, inPart, inDefault, inFile]) expect(whole).toContain(literal);
    expect(whole).not.toContain(value);
  });

  test('is in no file of ours, in no list, and on no stderr', async () => {
    for (const args of [
      ['status', '--json'],
      ['approvals', 'list', '--json'],
      ['approvals', 'list'],
      ['audit', 'tail', '-n', '1000'],
      ['daemon', 'logs'],
    ]) {
      expectSuccess(await mcp(...args));
    }
    const all = Buffer.from(outputs.join('\n'));
    for (const secret of [value, ...literals]) {
      expect(findIn(all, secret)).toEqual([]);
      expect(await findInFiles(home.broker, secret)).toEqual([]);
    }
    // The eyes are open.
    expect(findIn(readFileSync(file), changed)).toContain('plain');
    expect(all.includes('environment LITERAL')).toBe(true);
  });
});
