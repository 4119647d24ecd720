import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { SecretVersion } from '@mcp-broker/daemon/protocol';

import { createFakeSession, type FakeSession } from './fake-session.ts';
import { showHistory } from './secret-history.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-history-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const claims = { client: 'mcp \u001b[31m' };
const lines = [
  { seq: 1, event: 'set', outcome: 'allowed', variables: ['A'], backend: 'sealed', pid: 7, claims },
  { seq: 2, event: 'set', outcome: 'allowed', variables: ['B'], backend: 'sealed' },
  { seq: 3, event: 'launch', outcome: 'allowed', variables: ['A', 'B'] },
  { seq: 4, event: 'reveal', outcome: 'denied', code: 'ERR_PRESENCE', variables: ['A'] },
  { seq: 5, event: 'delete', outcome: 'allowed', variables: ['A'], backend: 'sealed' },
];

function open(versions: readonly SecretVersion[], json = false): FakeSession {
  const result = { name: 'A', backend: 'sealed', locator: 'A', versions };
  return createFakeSession({ home, json, answers: { 'secret.history': () => result } });
}

function audit(): void {
  mkdirSync(join(home, 'audit'));
  const text = lines.map((line, at) =>
    JSON.stringify({ v: 1, ...line, time: `2026-01-01T00:00:0${at}.000Z` }),
  );
  writeFileSync(join(home, 'audit', 'current.jsonl'), `${text.join('\n')}\n`);
}

test('the versions of the store come first, then what the audit tells, the newest first', async () => {
  audit();
  const session = open([{ version: '2', created: '2026-01-01T00:00:00.000Z' }]);
  expect(await showHistory({ name: 'A' }, session)).toBe(0);
  expect(session.stdout.split('\n').map((line) => line.split(/ {2,}/u))).toEqual([
    ['VERSION', 'CREATED', 'UPDATED'],
    ['2', '2026-01-01T00:00:00.000Z', '-'],
    [''],
    ['TIME', 'EVENT', 'OUTCOME', 'BACKEND', 'BY'],
    ['2026-01-01T00:00:04.000Z', 'delete', 'allowed', 'sealed', '-'],
    ['2026-01-01T00:00:03.000Z', 'reveal', 'ERR_PRESENCE', '-', '-'],
    ['2026-01-01T00:00:00.000Z', 'set', 'allowed', 'sealed', 'mcp \\e[31m, pid 7'],
    [''],
  ]);
});

test('of a secret that was removed the audit still tells', async () => {
  audit();
  const session = open([]);
  expect(await showHistory({ name: 'A' }, session)).toBe(0);
  expect(session.stdout).toMatch(/^TIME/u);
  expect(session.stderr).toBe('mcp: backend sealed has no version of A now\n');
});

test('what neither knows is 66, also without any audit log', async () => {
  const unknown = showHistory({ name: 'A' }, open([]));
  await expect(unknown).rejects.toMatchObject({ exitCode: 66, hint: 'mcp secret list' });
});
