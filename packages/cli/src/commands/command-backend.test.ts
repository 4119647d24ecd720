import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { BrokerError, type GrantSummary, type Status } from '@mcp-broker/daemon/protocol';

import { addCommandBackend, removeBackend } from './command-backend.ts';
import {
  createFakeSession,
  type Answers,
  type FakeOptions,
  type FakeSession,
} from './fake-session.ts';

const text = 'version: "1.0"\nbackends:\n  own: {kind: command, get: [own]}\n';

let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-command-backend-'));
  file = join(home, 'config.yaml');
  writeFileSync(file, text, { mode: 0o600 });
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function open(state: 'locked' | 'unlocked', more: FakeOptions = {}): FakeSession {
  const grants = [
    { id: 'AAAA', backend: 'own' },
    { id: 'BBBB', backend: 'other' },
  ] as unknown as readonly GrantSummary[];
  const answers: Answers = {
    'broker.status': () => ({ keys: { state } }) as Status,
    'grant.list': () => ({ grants: state === 'locked' ? [] : grants }),
    'grant.revoke': () => ({ revoked: [] }),
    'config.reload': () => ({}),
  };
  return createFakeSession({ home, answers, ...more });
}

describe('what is removed', () => {
  test('loses its approval, also when no daemon was running', async () => {
    const session = open('unlocked', { running: false });
    expect(await removeBackend('own', session)).toBe(0);
    expect(session.calls).toContainEqual({
      method: 'grant.revoke',
      params: { id: 'AAAA' },
      attachments: [],
    });
    expect(readFileSync(file, 'utf8')).not.toContain('own');
  });

  test('stays while the home is locked, and its approval with it', async () => {
    const refused = await removeBackend('own', open('locked')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BrokerError);
    expect(refused).toMatchObject({ code: 'ERR_LOCKED', hint: 'mcp unlock' });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test.each(['$<own:TOKEN>', 'x-${own:TOKEN}'])(
    'is not what %s of a server names',
    async (named) => {
      writeFileSync(file, `${text}servers:\n  a: {command: [x], env: {T: '${named}'}}\n`);
      await expect(removeBackend('own', open('unlocked'))).rejects.toMatchObject({
        code: 'ERR_USAGE',
        message: 'backend own is used by servers.a',
      });
    },
  );
});

test('a backend that is not approved goes, and what others wrote into the file meanwhile stays', async () => {
  const input = {
    name: 'new',
    get: 'tool {name}',
    set: undefined,
    list: undefined,
    env: 'A=1',
    timeout: undefined,
    notFoundExit: 3,
    deniedExit: undefined,
    fd: 3,
  };
  const session = createFakeSession({
    home,
    answers: {
      'config.reload': () => ({}),
      'backend.request': () => {
        const now = readFileSync(file, 'utf8');
        expect(now).toContain('new:');
        writeFileSync(file, `${now}# theirs\n`);
        throw new BrokerError('ERR_COMMAND_NOT_FOUND', 'command not found: tool');
      },
    },
  });
  await expect(addCommandBackend(input, session)).rejects.toMatchObject({
    code: 'ERR_COMMAND_NOT_FOUND',
  });
  expect(readFileSync(file, 'utf8')).toBe(`${text}# theirs\n`);
});
