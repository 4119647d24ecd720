import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { startPty } from '../kit/pty.ts';

// What a person sees on a terminal of a certain size, kept as text.

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'empty' });
  const bin = join(home.folder, 'bin');
  mkdirSync(bin);
  for (const name of ['mcp', 'mcp-broker']) symlinkSync(mcpCommand, join(bin, name));
});
afterAll(async () => {
  await home.remove();
});

async function screen(line: string, columns: number): Promise<string> {
  const env = {
    ...home.env,
    PATH: `${join(home.folder, 'bin')}:${home.env['PATH'] ?? ''}`,
    TERM: 'xterm',
  };
  const pty = startPty('sh', ['-c', `stty cols ${columns}; ${line}`], { env, cwd: home.folder });
  const { shown } = await pty.ended;
  return shown;
}

describe.skipIf(lacks('python3'))('on a terminal', () => {
  test('mcp alone, before there is a home', async () => {
    expect(await screen('mcp', 80)).toBe(
      `MCP Broker starts servers with secrets that no file holds. Next:
  mcp init                                               set up a home, once
  mcp secret set API_TOKEN                               keep a token; it is asked for
  mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND     start a server with it
See mcp --help for all commands, and mcp status for how things are.
`,
    );
  });

  test('help, with room', async () => {
    expect(await screen('mcp help unlock', 80)).toBe(
      `Usage: mcp unlock [options]

unlock the home until it is locked or lies idle

A home on the keychain has no passphrase: its key is asked of the keychain.

Options:
  --fd <N>    read the passphrase from descriptor N
  -h, --help  show help

Options of every command, such as --json and --home: mcp --help

Example:
  mcp unlock
`,
    );
  });

  test('help, with little room', async () => {
    expect(await screen('mcp approvals revoke --help', 36)).toBe(
      `Usage: mcp approvals revoke
       [options] [SERVER|ID]

take back what you decided

A server that runs goes on; its next
launch asks again.

Arguments:
  SERVER|ID
      one grant or denial by its id,
      or all of a server

Options:
  --all
      every one
  -h, --help
      show help

Options of every command, such as
--json and --home: mcp --help

Example:
  mcp approvals revoke --all
`,
    );
  });

  test.each(['', 'secret', 'exec', 'init', 'audit search', 'completion'])(
    'no line of the help of mcp %s is wider than the terminal',
    async (command) => {
      for (const columns of [40, 60, 80, 120]) {
        const shown = await screen(`mcp ${command} --help`, columns);
        const [help = ''] = shown.split('\nExample:\n');
        const wide = help.split('\n').filter((line) => line.length > columns);
        expect({ columns, wide }).toEqual({ columns, wide: [] });
      }
    },
  );

  test('without a terminal the width is 80', async () => {
    const { stdout } = await home.mcp(['exec', '--help']);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toBe(await screen('mcp exec --help', 80));
  });

  test('a wrong command', async () => {
    expect(await screen('mcp ls; echo $?', 80)).toBe(
      `mcp: error: unknown command ls
mcp: hint: did you mean mcp secret list, mcp backend list or mcp approvals list?
64
`,
    );
  });
});
