import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BrokerError, type Status } from '@mcp-broker/daemon/protocol';

import { createFakeSession, type Answers } from './fake-session.ts';
import { clearCache, lock, unlock } from './locking.ts';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-locking-'));
  writeFileSync(join(home, 'identity.age'), '');
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

const status = (state: 'ready' | 'locked'): Status =>
  ({
    keys: { source: 'sealed', state },
    backends: [{ name: 'sealed', kind: 'sealed-file', state }],
  }) as unknown as Status;

const answers = (state: 'ready' | 'locked'): Answers => ({
  'broker.status': () => status(state),
  'sealed.unlock': () => ({ unlocked: state === 'locked' }),
  'sealed.lock': () => ({}),
  'cache.clear': ({ names }) => ({ cleared: names?.length ?? 7 }),
});

/** A daemon that has no identity file. */
const without: Answers = {
  ...answers('locked'),
  'sealed.unlock': () => {
    throw new BrokerError('ERR_USAGE', 'the passphrase is missing');
  },
};

describe('mcp unlock', () => {
  test('asks for the passphrase, hidden, and wipes it', async () => {
    const session = createFakeSession({ home, answers: answers('locked'), typed: ['pass phrase'] });
    expect(await unlock({ fd: undefined }, session)).toBe(0);
    expect(session.calls.at(-1)).toMatchObject({
      method: 'sealed.unlock',
      attachments: ['pass phrase'],
    });
    expect(session.stdout).toBe('unlocked\n');
    expect(session.held.flatMap((bytes) => [...bytes]).every((byte) => byte === 0)).toBe(true);
  });

  test('asks nobody when it is unlocked already', async () => {
    const session = createFakeSession({ home, answers: answers('ready') });
    expect(await unlock({ fd: undefined }, session)).toBe(0);
    expect(session.stdout).toBe('already unlocked\n');
  });

  test.each([
    ['one newline', 'pass\n', 'pass'],
    ['one newline of a DOS file', 'pass\r\n', 'pass'],
    ['nothing else', ' pass ', ' pass '],
  ])('drops %s from a passphrase on a descriptor', async (_what, given, sent) => {
    const session = createFakeSession({
      home,
      answers: answers('locked'),
      descriptors: { 3: given },
    });
    await unlock({ fd: 3 }, session);
    expect(session.calls.at(-1)?.attachments).toEqual([sent]);
  });

  test.each([
    ['nothing', ''],
    ['two lines', 'one\ntwo\n'],
  ])('refuses %s as a passphrase', async (_what, given) => {
    const session = createFakeSession({
      home,
      answers: answers('locked'),
      descriptors: { 3: given },
    });
    await expect(unlock({ fd: 3 }, session)).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });

  test('tells a home without identity.age from one that was never set up', async () => {
    const lost = mkdtempSync(join(tmpdir(), 'mcp-locking-'));
    writeFileSync(join(lost, 'secrets.age'), '');
    const session = createFakeSession({ home: lost, answers: without, typed: ['x'] });
    await expect(unlock({ fd: undefined }, session)).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      hint: expect.stringContaining('backup') as string,
    });
    rmSync(lost, { recursive: true });
  });

  test('uses the identity that the service manager lends', async () => {
    const session = createFakeSession({ answers: answers('locked') });
    expect(await unlock({ fd: undefined }, session)).toBe(0);
    expect(session.stdout).toBe('unlocked\n');
  });

  test('says how else when there is no terminal', async () => {
    const session = createFakeSession({ home, answers: answers('locked') });
    await expect(unlock({ fd: undefined }, session)).rejects.toMatchObject({
      code: 'ERR_PRESENCE',
      hint: expect.stringContaining('mcp unlock --fd 3') as string,
    });
  });

  test('does not ask for the passphrase of a file that is not there', async () => {
    const session = createFakeSession({ answers: without, typed: ['x'] });
    await expect(unlock({ fd: undefined }, session)).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      hint: 'mcp init',
    });
  });
});

describe('mcp lock and mcp cache clear', () => {
  test('do not start a daemon, without which nothing is in memory', async () => {
    const session = createFakeSession({ running: false });
    expect(await lock(session)).toBe(0);
    expect(await clearCache({ names: [] }, session)).toBe(0);
    expect(session.started).toBe(0);
    expect(session.stdout).toBe(
      'locked: the daemon does not run, so nothing is in memory\ncleared 0 values\n',
    );
  });

  test('lock says when it was locked already, and locks all the same', async () => {
    const session = createFakeSession({ answers: answers('locked') });
    expect(await lock(session)).toBe(0);
    expect(session.stdout).toBe('already locked\n');
    expect(session.calls.at(-1)?.method).toBe('sealed.lock');
    const { 'broker.status': _status, ...silent } = answers('locked');
    const other = createFakeSession({ answers: silent });
    expect(await lock(other)).toBe(0);
    expect(other.stdout).toBe('locked\n');
  });

  test('reach the one that runs', async () => {
    const session = createFakeSession({ answers: answers('ready') });
    await lock(session);
    await clearCache({ names: [] }, session);
    await clearCache({ names: ['A'] }, session);
    expect(session.calls.map(({ method, params }) => [method, params])).toEqual([
      ['broker.status', {}],
      ['sealed.lock', {}],
      ['cache.clear', {}],
      ['cache.clear', { names: ['A'] }],
    ]);
    expect(session.stdout).toBe('locked\ncleared 7 values\ncleared 1 value\n');
    expect(session.closed).toBe(3);
  });
});
