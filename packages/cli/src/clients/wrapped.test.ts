import { expect, test } from 'vitest';

import { wrappedBy } from './wrapped.ts';

test.each([
  [['npx', '-y', 'server'], 'no'],
  [[], 'no'],
  [['/usr/local/bin/mcp', 'exec', '--', 'npx', 'server'], 'exec'],
  [['mcp-broker', '--home', '/h', 'exec', 'github'], 'exec'],
  [['mcp', 'run', '--', 'server'], 'exec'],
  [['mcp', 'run', 'server.py'], 'no'],
  [['mcp', 'run', 'folder/server.py:app'], 'no'],
  [['mcp', 'dev', 'server.py'], 'no'],
  [['mcp', 'status'], 'no'],
  [['mcp', 'exec', '--nonsense', '--', 'server'], 'wrong'],
  [['mcp', 'exec', '--token=x', '--', 'server'], 'wrong'],
  [['mcp', 'exec'], 'wrong'],
])('%j: %s', (command, kind) => {
  expect(wrappedBy(command).kind).toBe(kind);
});
