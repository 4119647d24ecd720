import { expect, test } from 'vitest';

import { suggestCommands } from './suggest-command.ts';

test.each<[typed: string, path: readonly string[], first: string | undefined]>([
  ['statsu', [], 'mcp status'],
  ['secrets', [], 'mcp secret'],
  ['Secret', [], 'mcp secret'],
  ['ls', [], 'mcp secret list'],
  ['list', [], 'mcp secret list'],
  ['set', [], 'mcp secret set'],
  ['add', [], 'mcp secret set'],
  ['delete', [], 'mcp secret rm'],
  ['logs', [], 'mcp daemon logs'],
  ['log', [], 'mcp daemon logs'],
  ['tail', [], 'mcp audit tail'],
  ['start', [], 'mcp daemon start'],
  ['setup', [], 'mcp init'],
  ['grants', [], 'mcp approvals'],
  ['approval', [], 'mcp approvals'],
  ['verfiy', [], 'mcp audit verify'],
  ['ls', ['secret'], 'mcp secret list'],
  ['lst', ['secret'], 'mcp secret list'],
  ['remove', ['secret'], 'mcp secret rm'],
  ['unlock', ['secret'], 'mcp unlock'],
  ['tail', ['daemon'], 'mcp audit tail'],
  ['xyzzy', [], undefined],
  ['x'.repeat(10_000), [], undefined],
])('%s after %j means %s', (typed, path, first) => {
  expect(suggestCommands(typed, path)[0]).toBe(first);
});

test('no more than three are named', () => {
  expect(suggestCommands('list', []).length).toBeLessThanOrEqual(3);
});
