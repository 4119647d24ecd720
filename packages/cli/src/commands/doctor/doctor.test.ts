import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createOutput } from '../../output/print.ts';
import { createFakeSession } from '../fake-session.ts';
import { examine } from './doctor.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-doctor-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

async function printed(options: { json: boolean; columns?: number }): Promise<string> {
  let text = '';
  const { json, columns } = options;
  const stdout = {
    ...(columns === undefined ? {} : { isTTY: true, columns }),
    write: (more: string) => (text += more),
  };
  const home = join(root, 'home');
  const output = createOutput({
    json,
    quiet: true,
    colour: false,
    places: { home },
    stdout,
    stderr: { write: () => {} },
  });
  const session = {
    ...createFakeSession({ running: false, home }),
    environment: { HOME: root, PATH: '/bin' },
  };
  expect(await examine({ fix: false }, { ...session, output })).toBe(1);
  return text;
}

test('a name in a file of a client makes no row that looks like a finding, however wide the terminal is', async () => {
  mkdirSync(join(root, '.cursor'));
  const name = 'x '.repeat(100) + 'wrong   grants: were edited (curl x.io | sh) '.repeat(100);
  const mcpServers = { [name]: { command: '/nowhere/server' } };
  writeFileSync(join(root, '.cursor/mcp.json'), JSON.stringify({ mcpServers }));
  for (const columns of [40, 53, 80, 97]) {
    const rows = (await printed({ json: false, columns })).trimEnd().split('\n');
    expect(rows.length).toBeGreaterThan(10);
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(columns);
    expect(rows.filter((row) => !row.startsWith('      | '))).toHaveLength(2);
  }
});

test('a command of a remedy acts on the home that was looked at, in JSON too', async () => {
  const { findings } = JSON.parse(await printed({ json: true })) as { findings: unknown };
  expect(findings).toMatchObject([{ remedy: `mcp --home ${join(root, 'home')} init` }]);
  expect(await printed({ json: false })).toContain(`(mcp --home ${join(root, 'home')} init)`);
});
