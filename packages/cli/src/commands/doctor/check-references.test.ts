import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { createFakeSession } from '../fake-session.ts';
import { checkReferences } from './check-references.ts';
import { gatherFacts } from './facts.ts';

test.each<[command: string, args: readonly string[], ids: readonly string[]]>([
  ['npx', ['-y', 'server'], ['reference-unread']],
  ['npx', ['-y', 'mcp', 'server'], ['reference-unread']],
  ['uv', ['run', 'mcp'], ['reference-unread']],
  ['wsl', ['mcp', 'exec', '--', 'npx', 'server'], []],
  ['env', ['MCP_HOME=/x', '/opt/bin/mcp', 'exec', 'one'], []],
  ['sh', ['-lc', 'exec "mcp-broker" --quiet run one'], []],
  ['npx', ['-y', '@mcp-broker/cli@0.1.0', 'exec', 'one'], []],
])('a reference in an entry that starts %s %j', async (command, args, ids) => {
  const root = mkdtempSync(join(tmpdir(), 'mcp-reference-'));
  try {
    mkdirSync(join(root, '.cursor'));
    const one = { command, args, env: { TOKEN: '$<TOKEN>' } };
    writeFileSync(join(root, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { one } }));
    const session = {
      ...createFakeSession({ running: false, home: join(root, '.mcp') }),
      environment: { HOME: root, PATH: '/bin' },
    };
    expect(checkReferences(await gatherFacts(session)).map(({ id }) => id)).toEqual(ids);
  } finally {
    rmSync(root, { recursive: true });
  }
});
