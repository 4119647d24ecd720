import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { BackendStatus, Status } from '@mcp-broker/daemon/protocol';

import { createOutput } from '../output/print.ts';
import { createFakeSession, type FakeOptions, type FakeSession } from './fake-session.ts';
import { showSummary } from './summary.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-summary-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function write(name: string, text = ''): void {
  writeFileSync(join(home, name), text, { mode: 0o600 });
}

function writeAudit(...records: readonly object[]): void {
  mkdirSync(join(home, 'audit'), { mode: 0o700 });
  const time = '2026-01-01T00:00:00.000Z';
  const lines = records.map((record) => `${JSON.stringify({ v: 1, seq: 1, time, ...record })}\n`);
  write('audit/current.jsonl', lines.join(''));
}

function answersOf(
  state: BackendStatus['state'],
  pending: number,
  names: readonly string[],
  keys: 'ready' | 'locked' = 'ready',
): FakeOptions {
  const backends = [{ name: 'sealed', kind: 'sealed-file', state }];
  const secrets = names.map((name) => ({ name, backend: 'sealed', locator: name, ttlMs: 0 }));
  return {
    answers: {
      'broker.status': () =>
        ({ backends, pending, keys: { source: 'sealed', state: keys } }) as unknown as Status,
      'secret.list': () => ({ secrets }),
    },
  };
}

async function summaryOf(options: FakeOptions): Promise<FakeSession> {
  const session = createFakeSession({ home, ...options });
  expect(await showSummary(session)).toBe(0);
  expect(session.stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(5);
  expect({ started: session.started, stderr: session.stderr }).toEqual({ started: 0, stderr: '' });
  return session;
}

const servers = 'version: "1.0"\nservers:\n  github:\n    command: [npx, x]\n';
const stopped = { running: false };
const set = { event: 'set', outcome: 'allowed', variables: ['A'] };
const launched = { event: 'launch', outcome: 'allowed', server: 'github' };
const refused = { event: 'launch', outcome: 'failed', server: 'github' };

test.each<[state: string, first: string, prepare: () => void, options: FakeOptions]>([
  ['not-set-up', 'mcp init', () => {}, stopped],
  ['not-set-up', 'mcp init', () => write('config.yaml', servers), stopped],
  ['not-set-up', 'mcp init', () => write('config.yaml', 'setings: {}'), stopped],
  ['ready', 'mcp exec', () => write('keychain'), answersOf('ready', 0, ['A'])],
  ['locked', 'mcp unlock', () => write('keychain'), answersOf('ready', 0, ['A'], 'locked')],
  ['config-broken', 'mcp config check', () => write('config.yaml', 'setings: {}'), stopped],
  ['unclear', 'mcp doctor', () => {}, { answers: {} }],
  ['locked', 'mcp unlock', () => write('identity.age'), stopped],
  ['locked', 'mcp unlock', () => {}, answersOf('locked', 1, [])],
  ['approvals-pending', 'mcp approve', () => {}, answersOf('ready', 2, ['A'])],
  ['nothing-stored', 'mcp secret set API_TOKEN', () => {}, answersOf('ready', 0, [])],
  ['nothing-stored', 'mcp secret set API_TOKEN', () => writeAudit(launched), stopped],
  ['ready', 'mcp exec', () => writeAudit(set), stopped],
  ['ready', 'mcp exec', () => {}, answersOf('ready', 0, ['A'])],
  [
    'not-launched',
    'mcp exec github',
    () => {
      write('config.yaml', servers);
      writeAudit(set, refused);
    },
    stopped,
  ],
  [
    'ready',
    'mcp exec --env',
    () => {
      write('config.yaml', servers);
      writeAudit(set, launched);
    },
    stopped,
  ],
])('mcp alone in a home that is %s: %s', async (state, first, prepare, options) => {
  prepare();
  if (state !== 'not-set-up' && !existsSync(join(home, 'keychain'))) write('secrets.age');
  const session = await summaryOf(options);
  expect(session.stdout.split('\n')[1]).toContain(`  ${first}`);
  const json = createFakeSession({ home, ...options, json: true });
  await showSummary(json);
  expect(JSON.parse(json.stdout)).toMatchObject({
    state,
    next: expect.arrayContaining([expect.stringContaining(first)]) as unknown,
  });
});

test('what is to be typed names the home that was given, in JSON too', async () => {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  const output = createOutput({
    json: true,
    quiet: false,
    colour: false,
    places: { home },
    stdout,
  });
  await showSummary({ ...createFakeSession({ home, ...stopped }), output });
  expect(JSON.parse(text)).toMatchObject({
    next: expect.arrayContaining([`mcp --home ${home} init`]) as unknown,
  });
});
