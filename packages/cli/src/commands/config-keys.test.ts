import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { BrokerError } from '@mcp-broker/daemon/protocol';

import { getKey, listKeys, setKey } from './config-keys.ts';
import { createFakeSession, type FakeOptions, type FakeSession } from './fake-session.ts';

let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-keys-'));
  file = join(home, 'config.yaml');
  writeFileSync(file, '# mine\nversion: "1.0"\nsettings:\n  ttl: 1m\n', { mode: 0o600 });
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const answers = { 'config.reload': () => ({}) };

function open(options: FakeOptions = {}): FakeSession {
  return createFakeSession({ home, answers, ...options });
}

test('get prints the value alone, and says on stderr that it is the default', async () => {
  const session = open();
  await getKey({ key: 'settings.ttl' }, session);
  expect([session.stdout, session.stderr]).toEqual(['1m\n', '']);
  const unset = open();
  await getKey({ key: 'settings.max_stale' }, unset);
  expect(unset.stdout).toBe('30m\n');
  expect(unset.stderr).toBe('mcp: settings.max_stale is not set: this is the default\n');
});

test('get prints what is no word as JSON, which set takes', async () => {
  const session = open();
  await getKey({ key: 'settings.proxy' }, session);
  expect(session.stdout).toBe('{\n  "no_proxy": []\n}\n');
  await setKey({ key: 'settings.proxy', value: session.stdout }, open());
  expect(readFileSync(file, 'utf8')).toContain('no_proxy: []');
});

test('list shows where each key stands', async () => {
  const session = open();
  await listKeys(session);
  const lines = session.stdout.split('\n').map((line) => line.split(/ {2,}/u));
  expect(lines).toContainEqual(['settings.ttl', '1m', 'file']);
  expect(lines).toContainEqual(['settings.presence', 'terminal', 'default']);
});

test('set says what counts now, and that the running daemon has taken it', async () => {
  const session = open();
  expect(await setKey({ key: 'settings.ttl', value: '10m' }, session)).toBe(0);
  expect(session.stdout).toBe('settings.ttl is now 10m\n');
  expect(session.stderr).toBe('mcp: the running daemon has taken it\n');
  expect(session.calls.map(({ method }) => method)).toEqual(['config.reload']);
  expect(session.started).toBe(0);
});

test.each([
  ['settings.presence', 'passphrase', 'mcp daemon restart'],
  ['settings.limits.connections', '9', 'mcp daemon restart'],
  ['backends.pass', '{"kind":"command","get":["pass"]}', 'ask for approval again'],
  ['variables.A.backend', 'keychain', 'ask for approval again'],
])('set %s to %s says what follows', async (key, value, says) => {
  const session = open();
  await setKey({ key, value }, session);
  expect(session.stderr).toContain(says);
});

test('set without a daemon starts none', async () => {
  const session = open({ running: false });
  await setKey({ key: 'settings.ttl', value: '10m' }, session);
  expect(session.stderr).toBe('mcp: no daemon runs: it counts from the next start\n');
  expect(session.started).toBe(0);
});

test('set tells when the daemon kept what was in force', async () => {
  const kept = (): never => {
    throw new BrokerError('ERR_CONFIG', 'it is broken', { hint: 'mcp config check' });
  };
  const session = open({ answers: { 'config.reload': kept }, json: true });
  await setKey({ key: 'settings.ttl', value: '10m' }, session);
  expect(session.stderr).toContain('warning: it is broken (mcp config check)');
  expect(JSON.parse(session.stdout)).toMatchObject({ changed: true, daemon: 'kept' });
});

test('set to what it was does nothing, and null gives the default back', async () => {
  const session = open();
  await setKey({ key: 'settings.ttl', value: '1m' }, session);
  expect(session.stdout).toBe('settings.ttl was 1m already\n');
  expect(session.calls).toEqual([]);
  const back = open({ json: true });
  await setKey({ key: 'settings.ttl', value: 'null' }, back);
  expect(JSON.parse(back.stdout)).toEqual({
    key: 'settings.ttl',
    value: '5m',
    origin: 'default',
    changed: true,
    daemon: 'taken',
  });
});

test('set in a home that is not there says how to make one', async () => {
  const session = createFakeSession({ home: join(home, 'none') });
  const set = setKey({ key: 'settings.ttl', value: '10m' }, session);
  await expect(set).rejects.toMatchObject({ code: 'ERR_NO_HOME' });
});
