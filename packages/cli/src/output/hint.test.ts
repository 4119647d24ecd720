import { expect, test } from 'vitest';

import { addressed } from './hint.ts';

test.each([
  ['mcp unlock', {}, 'mcp unlock'],
  ['mcp unlock', { home: '/x/h' }, 'mcp --home /x/h unlock'],
  [
    'in a terminal: mcp approve 7F3A',
    { config: '/c.yaml' },
    'in a terminal: mcp --config /c.yaml approve 7F3A',
  ],
  [
    'mcp approve A, or mcp deny A',
    { home: '/a b' },
    "mcp --home '/a b' approve A, or mcp --home '/a b' deny A",
  ],
  ['rm /mcp data/init.lock', { home: '/x' }, 'rm /mcp data/init.lock'],
  ['edit /x/mcp.yaml; see mcp --help', { home: '/x' }, 'edit /x/mcp.yaml; see mcp --help'],
])('%s, called with %j', (text, places, expected) => {
  expect(addressed(text, places)).toBe(expected);
});
