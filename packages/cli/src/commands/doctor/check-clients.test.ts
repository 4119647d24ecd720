import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { createFakeSession } from '../fake-session.ts';
import { checkClients } from './check-clients.ts';
import { gatherFacts } from './facts.ts';

const token = 'ghp_q7Vd0ZkX2mTb9LwR4sHn6YcJ1gPe8UaF3iKo';

/** Of a token in one place of one entry of Cursor. */
async function remedyOf(entry: object): Promise<string | undefined> {
  const root = mkdtempSync(join(tmpdir(), 'mcp-plain-'));
  try {
    mkdirSync(join(root, '.cursor'));
    writeFileSync(join(root, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { one: entry } }));
    const session = {
      ...createFakeSession({ running: false, home: join(root, '.mcp') }),
      environment: { HOME: root, PATH: '/bin' },
    };
    const found = checkClients(await gatherFacts(session));
    expect(found.map(({ id }) => id)).toEqual(['plaintext-token']);
    return found[0]?.remedy;
  } finally {
    rmSync(root, { recursive: true });
  }
}

test.each([
  ['a variable', { command: 'x', env: { TOKEN: token } }, /write \$<TOKEN> in its place/u],
  [
    'an argument, where a reference is refused',
    { command: 'x', args: [`--token=${token}`] },
    /write \$<TOKEN> into the environment of the entry, .* --allow-args/u,
  ],
  [
    'a header of a remote server, which is not started',
    { url: 'https://x.io/mcp', headers: { 'X-Token': token } },
    /into the environment of a server that mcp exec starts, or move it/u,
  ],
])('the remedy of a token suits where it stands: in %s', async (_, entry, remedy) => {
  expect(await remedyOf(entry)).toMatch(remedy);
});
