import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createFakeSession } from '../fake-session.ts';
import { checkServers } from './check-servers.ts';
import { gatherFacts } from './facts.ts';
import type { Finding } from './finding.ts';

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
  return (await findings({ command, args: ['exec', '--', '/bin/sh'] }, client)).map(({ id }) => id);
}

async function findings(
  entry: { readonly command: string; readonly args: readonly string[]; readonly env?: object },
  client = '.cursor/mcp.json',
): Promise<readonly Finding[]> {
  const file = join(root, client);
  const key = client.endsWith('.toml') ? 'mcp_servers' : 'mcpServers';
  mkdirSync(join(file, '..'), { recursive: true });
  const toml = `[${key}.one]\ncommand = ${JSON.stringify(entry.command)}\nargs = ["exec", "--", "/bin/sh"]\n`;
  writeFileSync(file, key === 'mcp_servers' ? toml : JSON.stringify({ [key]: { one: entry } }));
  const environment = { HOME: root, PATH: [join(root, 'shell'), '/bin'].join(delimiter) };
  const session = {
    ...createFakeSession({ running: false, home: join(root, '.mcp') }),
    environment,
  };
  const facts = await gatherFacts(session);
  return checkServers({ ...facts, desktop: [join(root, 'desktop')] });
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

test.each([
  ['known by how it begins', 'ghp_q7Vd0ZkX2mTb9LwR4sHn6YcJ1gPe8UaF3iKo'],
  ['of no known kind', 'q7Vd0ZkX2mTb9LwR4sHn6YcJ1gPe8UaF3iKo'],
])('a token %s in a command that holds its arguments too is not shown', async (_, token) => {
  const found = await findings({ command: `npx -y server --token=${token}`, args: [] });
  expect(found.map(({ id }) => id)).toEqual(['server-gone']);
  expect(JSON.stringify(found)).not.toContain(token.slice(-8));
});

test('a token that stands where the name of a server should is not shown', async () => {
  const token = 'ghp_q7Vd0ZkX2mTb9LwR4sHn6YcJ1gPe8UaF3iKo';
  const found = await findings({ command: put('desktop/mcp'), args: ['exec', token] });
  expect(found.map(({ id }) => id)).toContain('server-unknown');
  expect(JSON.stringify(found)).not.toContain(token.slice(-8));
});

test('a name that is made to be searched for ever is not', async () => {
  const found = await findings({
    command: put('desktop/mcp'),
    args: ['exec', 'eyJ-'.repeat(500_000)],
  });
  expect(found.map(({ id }) => id)).toContain('server-unknown');
});

test('a program in a folder that its entry alone has in PATH is found', async () => {
  const program = { command: 'server-of-entry', args: [] };
  const env = { PATH: `${join(root, 'own')}:/usr/bin` };
  expect(await findings({ ...program, env })).toMatchObject([{ id: 'server-gone' }]);
  put('own/server-of-entry');
  expect(await findings(program)).toMatchObject([{ id: 'server-gone' }]);
  expect(await findings({ ...program, env })).toEqual([]);
});

test('a path of a client’s file stands in a remedy as one word of the shell', async () => {
  const mcp = put('a folder; $(id)/mcp');
  const found = await findings({ command: mcp, args: ['exec', '--', '/bin/sh'] });
  expect(found[0]?.remedy).toBe(
    `ln -s ${process.execPath} '${join(root, 'a folder; $(id)/node')}'`,
  );
});
