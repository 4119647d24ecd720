import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { BrokerError, type Status } from '@mcp-broker/daemon/protocol';

import { createFakeSession, type FakeOptions, type FakeSession } from './fake-session.ts';
import { listSecrets, moveSecret, removeSecret, setSecret, showSecret } from './secrets.ts';

const api = {
  name: 'API_TOKEN',
  backend: 'sealed',
  locator: 'API_TOKEN',
  version: '2',
  created: '2025-12-01T00:00:00Z',
  updated: '2025-12-31T22:00:00Z',
  ttlMs: 300_000,
  cachedMs: 61_000,
};

const sealed = (state: 'ready' | 'locked'): Status =>
  ({
    keys: { source: 'sealed', state },
    backends: [{ name: 'sealed', kind: 'sealed-file', state }],
  }) as unknown as Status;

const answers: NonNullable<FakeOptions['answers']> = {
  'broker.status': () => sealed('ready'),
  'secret.set': ({ name }) => ({
    name,
    backend: 'sealed',
    version: '1',
    created: true,
    changed: true,
  }),
  'secret.list': () => ({ secrets: [api] }),
  'secret.show': () => api,
  'secret.remove': ({ name }) => ({ name, backend: 'sealed' }),
};

function sent(session: FakeSession): string | undefined {
  return session.calls.find(({ method }) => method === 'secret.set')?.attachments[0];
}

function isWiped(session: FakeSession): boolean {
  return (
    session.held.length > 0 && session.held.every((bytes) => bytes.every((byte) => byte === 0))
  );
}

const asked = { stdin: false, fd: undefined };
const set = (session: FakeSession, source: Parameters<typeof setSecret>[0]['source'] = asked) =>
  setSecret({ name: 'API_TOKEN', backend: undefined, source }, session);

describe('a sealed file that is locked', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mcp-secrets-'));
    writeFileSync(join(home, 'identity.age'), '');
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  /** Locked until it gets a passphrase. */
  const locking = (): NonNullable<FakeOptions['answers']> => {
    let open = false;
    const locked = <P, R>(answer: (params: P) => R) => {
      return (params: P): R => {
        if (!open) throw new BrokerError('ERR_LOCKED', 'the sealed file is locked');
        return answer(params);
      };
    };
    return {
      'broker.status': () => sealed(open ? 'ready' : 'locked'),
      'sealed.unlock': () => ({ unlocked: (open = true) }),
      'secret.set': locked(({ name }) => ({
        name,
        backend: 'sealed',
        created: true,
        changed: true,
      })),
      'secret.list': locked(() => ({ secrets: [] })),
    };
  };

  test('is opened at a terminal before the value is asked for', async () => {
    const session = createFakeSession({ home, answers: locking(), typed: ['pass', 'hunter2'] });
    expect(await set(session)).toBe(0);
    expect(session.shown).toBe('The sealed file is locked. Passphrase: Value of API_TOKEN: ');
    expect(sent(session)).toBe('hunter2');
    expect(isWiped(session)).toBe(true);
  });

  test('is opened at a terminal when a value came from elsewhere, or nothing is set', async () => {
    const session = createFakeSession({
      home,
      answers: locking(),
      typed: ['pass'],
      descriptors: { 3: 'x' },
    });
    expect(await set(session, { stdin: false, fd: 3 })).toBe(0);
    const other = createFakeSession({ home, answers: locking(), typed: ['pass'] });
    expect(await listSecrets({ backend: undefined }, other)).toBe(0);
  });

  test('is 75 without a terminal', async () => {
    const session = createFakeSession({ home, answers: locking() });
    const failure = { code: 'ERR_LOCKED', exitCode: 75 };
    await expect(set(session, { generate: 8 })).rejects.toMatchObject(failure);
    await expect(listSecrets({ backend: undefined }, session)).rejects.toMatchObject(failure);
  });
});

test.each([
  ['secret\n', true],
  ['secret', false],
  ['-----BEGIN KEY-----\nAAAA\n', false],
])('a note tells of the line feed that echo gives: %j', async (value, told) => {
  const session = createFakeSession({ answers, descriptors: { 0: value } });
  await set(session, { stdin: true, fd: undefined });
  expect(session.stderr.includes('line feed')).toBe(told);
});

describe('mcp secret set', () => {
  test('asks for the value, sends it as bytes, and wipes it', async () => {
    const session = createFakeSession({ answers, typed: ['hunter2'] });
    expect(await set(session)).toBe(0);
    expect(sent(session)).toBe('hunter2');
    expect(session.calls.at(-1)?.params).toEqual({ name: 'API_TOKEN' });
    expect(session.stdout).toBe('stored API_TOKEN in sealed\n');
    expect(session.shown + session.stdout + session.stderr).not.toContain('hunter2');
    expect(isWiped(session)).toBe(true);
  });

  test('drops no byte of a value from stdin or a descriptor', async () => {
    const session = createFakeSession({ answers, descriptors: { 0: 'a\n\n', 3: 'b\r\n' } });
    await set(session, { stdin: true, fd: undefined });
    await set(session, { stdin: false, fd: 3 });
    expect(session.calls.map(({ attachments }) => attachments)).toEqual([['a\n\n'], ['b\r\n']]);
    expect(isWiped(session)).toBe(true);
  });

  test('asks hidden when stdin is a terminal, which would show what is typed', async () => {
    const session = createFakeSession({ answers, typed: ['typed'], descriptors: { 0: 'shown' } });
    Object.assign(session, { stdinIsTerminal: true });
    await set(session, { stdin: true, fd: undefined });
    expect(sent(session)).toBe('typed');
  });

  test('makes a random value that nobody sees', async () => {
    const session = createFakeSession({ answers });
    await set(session, { generate: 40 });
    const value = sent(session) ?? '';
    expect(value).toMatch(/^[0-9A-Za-z]{40}$/u);
    expect(session.stdout).not.toContain(value);
    expect(isWiped(session)).toBe(true);
  });

  test('wipes the value also when the daemon refuses it', async () => {
    const { 'secret.set': _set, ...refusing } = answers;
    const session = createFakeSession({ answers: refusing, typed: ['hunter2'] });
    await expect(set(session)).rejects.toMatchObject({ code: 'ERR_INTERNAL' });
    expect(isWiped(session)).toBe(true);
    expect(session.closed).toBe(2);
  });

  test.each([
    ['a value with the name', 'API_TOKEN=hunter2'],
    ['a value in place of the name', 'hunter2-'],
    ['no name', ''],
  ])('refuses %s, and does not repeat it', async (_what, name) => {
    const session = createFakeSession({ answers, typed: ['x'] });
    const refused = setSecret({ name, backend: undefined, source: asked }, session);
    const error: unknown = await refused.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_USAGE', hint: expect.any(String) as string });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
    expect(session.calls).toEqual([]);
  });

  test.each([
    ['an empty value', { typed: [''] }],
    ['no terminal to ask on', {}],
  ])('refuses %s', async (_what, options: FakeOptions) => {
    const session = createFakeSession({ answers, ...options });
    await expect(set(session)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      hint: expect.stringContaining('API_TOKEN') as string,
    });
    expect(sent(session)).toBeUndefined();
  });
});

test('mcp secret set says that the name leads there now', async () => {
  const result = { name: 'API_TOKEN', backend: 'keychain', created: true, changed: true };
  const session = createFakeSession({
    answers: { ...answers, 'secret.set': () => ({ ...result, entry: true }) },
    typed: ['hunter2'],
  });
  expect(await setSecret({ name: 'API_TOKEN', backend: 'keychain', source: asked }, session)).toBe(
    0,
  );
  expect(session.calls.at(-1)?.params).toEqual({ name: 'API_TOKEN', backend: 'keychain' });
  expect(session.stderr).toContain('API_TOKEN leads there now');
});

describe('mcp secret mv', () => {
  const moving = (removed: boolean): FakeSession =>
    createFakeSession({
      answers: {
        'secret.move': ({ name, to }) => ({ name, to, from: removed ? 'sealed' : to, removed }),
      },
    });

  test('says what moved, and what comes of it', async () => {
    const session = moving(true);
    expect(await moveSecret({ name: 'API_TOKEN', to: 'keychain' }, session)).toBe(0);
    expect(session.calls).toMatchObject([{ params: { name: 'API_TOKEN', to: 'keychain' } }]);
    expect(session.stdout).toBe('moved API_TOKEN from sealed to keychain\n');
    expect(session.stderr).toContain('approval');
    const again = moving(false);
    await moveSecret({ name: 'API_TOKEN', to: 'keychain' }, again);
    expect(again.stdout).toBe('API_TOKEN is in keychain already\n');
  });

  test.each([
    ['no backend', 'API_TOKEN', undefined],
    ['what is no name', 'A=hunter2', 'keychain'],
  ])('refuses %s', async (_, name, to) => {
    const session = moving(true);
    const failure = { code: 'ERR_USAGE', hint: expect.any(String) as string };
    await expect(moveSecret({ name, to }, session)).rejects.toMatchObject(failure);
    expect(session.calls).toEqual([]);
  });
});

describe('mcp secret list and show', () => {
  test('tell what is known of a value', async () => {
    const session = createFakeSession({ answers });
    await listSecrets({ backend: undefined }, session);
    expect(session.stdout).toBe(
      'NAME       BACKEND  VERSION  AGE  TTL  CACHED\nAPI_TOKEN  sealed   2        2h   5m   61s\n',
    );
  });

  test('give JSON with stable names', async () => {
    const session = createFakeSession({ answers, json: true });
    await listSecrets({ backend: 'sealed' }, session);
    expect(JSON.parse(session.stdout)).toEqual([api]);
    expect(session.calls[0]?.params).toEqual({ backend: 'sealed' });
    const one = createFakeSession({ answers, json: true });
    await showSecret({ name: 'API_TOKEN' }, one);
    expect(JSON.parse(one.stdout)).toEqual(api);
  });

  test('say what to do when there is nothing', async () => {
    const session = createFakeSession({ answers: { 'secret.list': () => ({ secrets: [] }) } });
    expect(await listSecrets({ backend: undefined }, session)).toBe(0);
    expect(session.stderr).toContain('mcp secret set NAME');
  });

  test('cannot be made to move the cursor by a name in a store', async () => {
    const secrets = [{ ...api, name: 'X\u001b[2J', locator: '\u202e' }];
    const session = createFakeSession({ answers: { 'secret.list': () => ({ secrets }) } });
    await listSecrets({ backend: undefined }, session);
    expect(session.stdout).toContain('X\\e[2J');
    expect(session.stdout).not.toContain('\u001b');
  });
});

test('mcp secret rm says what it removed', async () => {
  const session = createFakeSession({ answers });
  expect(await removeSecret({ name: 'API_TOKEN' }, session)).toBe(0);
  expect(session.stdout).toBe('removed API_TOKEN from sealed\n');
});
