import { expect, test } from 'vitest';

import type { BackendStep } from '@mcp-broker/daemon/protocol';

import { listBackends, testBackends } from './backends.ts';
import { createFakeSession, type FakeSession } from './fake-session.ts';

const sealed = {
  name: 'sealed',
  kind: 'sealed-file',
  state: 'ready',
  isDefault: true,
  where: '/home/me/.mcp/secrets.age',
  variables: 2,
} as const;
const vault = {
  name: 'vault',
  kind: 'vault',
  state: 'unavailable',
  isDefault: false,
  where: 'https://vault\u001b[31m',
  variables: 0,
} as const;

const well: readonly BackendStep[] = [
  { step: 'reach', outcome: 'ok', durationMs: 1 },
  { step: 'authenticate', outcome: 'ok', durationMs: 1 },
  { step: 'list', outcome: 'ok', durationMs: 20, detail: '3 items' },
  { step: 'read', outcome: 'skipped', detail: 'nothing there to read' },
];
const down: readonly BackendStep[] = [
  {
    step: 'reach',
    outcome: 'failed',
    durationMs: 10_000,
    problem: {
      code: 'ERR_BACKEND_UNAVAILABLE',
      message: 'vault.example does not answer',
      hint: 'curl https://vault.example',
    },
  },
  { step: 'authenticate', outcome: 'skipped' },
];

function open(steps: Readonly<Record<string, readonly BackendStep[]>>): FakeSession {
  return createFakeSession({
    answers: {
      'backend.list': () => ({ backends: [sealed, vault] }),
      'backend.test': ({ name }) => ({ name, kind: 'x', steps: steps[name] ?? [] }),
    },
  });
}

function rows({ stdout }: FakeSession): string[][] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/u));
}

test('mcp backend list shows each, which is the default, and where it lies', async () => {
  const session = open({});
  expect(await listBackends(session)).toBe(0);
  expect(rows(session)).toEqual([
    ['BACKEND', 'KIND', 'STATE', 'DEFAULT', 'VARIABLES', 'WHERE'],
    ['sealed', 'sealed-file', 'ready', 'yes', '2', '/home/me/.mcp/secrets.age'],
    ['vault', 'vault', 'unavailable', '-', '0', 'https://vault\\e[31m'],
  ]);
});

test('mcp backend test has a line for each step, with its time', async () => {
  const session = open({ sealed: well, vault: well });
  expect(await testBackends({ name: undefined }, session)).toBe(0);
  expect(rows(session).slice(0, 5)).toEqual([
    ['BACKEND', 'STEP', 'OUTCOME', 'TIME', 'DETAIL'],
    ['sealed', 'reach', 'ok', '1 ms', '-'],
    ['sealed', 'authenticate', 'ok', '1 ms', '-'],
    ['sealed', 'list', 'ok', '20 ms', '3 items'],
    ['sealed', 'read', 'skipped', '-', 'nothing there to read'],
  ]);
  expect(session.stderr).toBe('');
});

test('when one fails that is exit 1, with why and what to do, and the others are tested', async () => {
  const session = open({ sealed: down, vault: well });
  expect(await testBackends({ name: undefined }, session)).toBe(1);
  expect(rows(session)).toContainEqual([
    'sealed',
    'reach',
    'failed',
    '10000 ms',
    'ERR_BACKEND_UNAVAILABLE',
  ]);
  expect(rows(session)).toContainEqual(['vault', 'reach', 'ok', '1 ms', '-']);
  expect(session.stderr).toBe(
    'mcp: warning: sealed: vault.example does not answer (curl https://vault.example)\n',
  );
});

test('one that is named is tested alone', async () => {
  const session = open({ sealed: down, vault: well });
  expect(await testBackends({ name: 'vault' }, session)).toBe(0);
  expect(session.calls.map(({ params }) => params)).toEqual([{ name: 'vault' }]);
});
