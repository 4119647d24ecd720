import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { showClients } from './clients.ts';
import { createFakeSession, type FakeOptions, type FakeSession } from './fake-session.ts';

const token = 'ghp_Kx7Qm2Rt9Wz4Vb6Nc1Hd3Jf5Lg8Ps0Ty2Ua';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-clients-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function put(file: string, content: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content, { mode: 0o600 });
}

async function show(options: FakeOptions = {}): Promise<FakeSession> {
  const session = createFakeSession(options);
  expect(await showClients({ ...session, environment: { HOME: folder } })).toBe(0);
  return session;
}

const servers = {
  plain: { command: 'node', args: ['s.js', `--token=${token}`], env: { API_KEY: token, A: 'b' } },
  ours: { command: '/usr/local/bin/mcp', args: ['exec', '--', 'node', 's.js'] },
  broken: { command: 'mcp', args: ['exec'] },
  far: { url: 'https://mcp.example/sse' },
};

test('each client that is there has a line, with its entries, and what is in plain text by its name', async () => {
  put('.cursor/mcp.json', JSON.stringify({ mcpServers: servers }));
  mkdirSync(join(folder, '.gemini'));
  const session = await show();
  const rows = session.stdout.split('\n').map((line) => line.split(/ {2,}/u));
  const file = join(folder, '.cursor/mcp.json');
  expect(rows).toContainEqual(['Cursor', '4', '1', '2', file]);
  expect(rows).toContainEqual([
    'Gemini',
    '-',
    '-',
    '-',
    `${join(folder, '.gemini/settings.json')} (not there)`,
  ]);
  expect(rows).toContainEqual(['plain', 'env.API_KEY', 'GitHub', '1', file]);
  expect(session.stdout).toMatch(/^plain +args\.1 +GitHub +/mu);
  expect(session.stderr).toBe('mcp: what to do about each: mcp doctor\n');
  expect(session.stdout).not.toContain(token);
});

test('with --json the same, and how each entry is started', async () => {
  put('.cursor/mcp.json', JSON.stringify({ mcpServers: servers }));
  const session = await show({ json: true });
  const [place] = JSON.parse(session.stdout) as { servers: { name: string; launch: string }[] }[];
  expect(place?.servers.map(({ name, launch }) => [name, launch])).toEqual([
    ['plain', 'direct'],
    ['ours', 'exec'],
    ['broken', 'wrong'],
    ['far', 'remote'],
  ]);
  expect(session.stdout).not.toContain(token);
});

test('a file that cannot be read is told, with what it holds told by nobody', async () => {
  put('.cursor/mcp.json', `{"mcpServers": {"a": ${token}`);
  const session = await show();
  expect(session.stdout).toContain('(cannot be read)');
  expect(session.stderr).toMatch(/^mcp: warning: /u);
  expect(session.stdout + session.stderr).not.toContain(token);
});

test('where there is no client that is said', async () => {
  const session = await show();
  expect(session.stderr).toBe('mcp: no MCP client that we know is here\n');
});
