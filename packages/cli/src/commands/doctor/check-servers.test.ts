import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createFakeSession } from '../fake-session.ts';
import { checkServers } from './check-servers.ts';
import { gatherFacts } from './facts.ts';

// What lies in the folders that every desktop knows differs from machine to machine: here they are folders of ours.

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-desktop-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function put(path: string): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

/** Findings about one entry of Cursor that starts us by this command. */
async function ids(command: string, client = '.cursor/mcp.json'): Promise<string[]> {
  const file = join(root, client);
  const key = client.endsWith('.toml') ? 'mcp_servers' : 'mcpServers';
  mkdirSync(join(file, '..'), { recursive: true });
  const entry = { command, args: ['exec', '--', '/bin/sh'] };
  const toml = `[${key}.one]\ncommand = ${JSON.stringify(command)}\nargs = ["exec", "--", "/bin/sh"]\n`;
  writeFileSync(file, key === 'mcp_servers' ? toml : JSON.stringify({ [key]: { one: entry } }));
  const environment = { HOME: root, PATH: [join(root, 'shell'), '/bin'].join(delimiter) };
  const session = {
    ...createFakeSession({ running: false, home: join(root, '.mcp') }),
    environment,
  };
  const facts = await gatherFacts(session);
  return checkServers({ ...facts, desktop: [join(root, 'desktop')] }).map(({ id }) => id);
}

test('a graphical client may not find mcp by its name, and finds it where every desktop looks', async () => {
  put('shell/mcp');
  expect(await ids('mcp')).toEqual(['client-command']);
  put('desktop/mcp');
  expect(await ids('mcp')).toEqual([]);
});

test('a client that runs in a terminal finds it by the PATH of that', async () => {
  put('shell/mcp');
  expect(await ids('mcp', '.codex/config.toml')).toEqual([]);
});

test('mcp in a graphical client needs a Node beside it, or where every desktop looks', async () => {
  const mcp = put('shell/mcp');
  expect(await ids(mcp)).toEqual(['node-not-found']);
  put('shell/node');
  expect(await ids(mcp)).toEqual([]);
  rmSync(join(root, 'shell/node'));
  put('desktop/node');
  expect(await ids(mcp)).toEqual([]);
});

test('a path to mcp that leads nowhere, or to what may not be run, is told', async () => {
  expect(await ids(join(root, 'gone/mcp'))).toEqual(['server-gone']);
  const mcp = put('shell/mcp');
  chmodSync(mcp, 0o644);
  expect(await ids(mcp)).toEqual(['server-gone']);
});
