import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOwnItems, type OwnItems } from './own-items.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { grantsHome, unlock } from '../testing/grants-home.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-own-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test('what is put is there, sealed, in a file that is made on first use', async () => {
  const { own, paths } = grantsHome({ home, clock: fakeClock(), identity: 7 });
  expect(await own.get('login_vault')).toBeUndefined();
  expect(existsSync(paths.own)).toBe(false);
  const value = Buffer.from('hvs.canary');
  await own.put('login_vault', value);
  expect(String(await own.get('login_vault'))).toBe('hvs.canary');
  expect(await own.get('login_other')).toBeUndefined();
  expect(statSync(paths.own).mode & 0o777).toBe(0o600);
  expect(readFileSync(paths.own).includes('canary')).toBe(false);
  expect(existsSync(paths.secrets)).toBe(false);
});

test('nothing is had or put while locked, whether there is a file or not', async () => {
  const { own, keyring } = grantsHome({ home, clock: fakeClock() });
  const locked = { code: 'ERR_LOCKED' };
  await expect(own.get('a')).rejects.toMatchObject(locked);
  await expect(own.put('a', Buffer.from('x'))).rejects.toMatchObject(locked);
  unlock(keyring);
  await own.put('a', Buffer.from('x'));
  keyring.lock();
  await expect(own.get('a')).rejects.toMatchObject(locked);
});

test('another daemon that does not let go of the lock is not waited for without end', async () => {
  const clock = fakeClock();
  const { keyring, paths } = grantsHome({ home, clock, identity: 7 });
  const { promise: asked, resolve } = Promise.withResolvers<AbortSignal>();
  const own: OwnItems = createOwnItems({
    file: paths.own,
    identity: keyring,
    lock: (_, signal) => {
      resolve(signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    },
    now: () => clock.now(),
    after: (ms, action) => clock.after(ms, action),
  });
  const put = own.put('a', Buffer.from('x'));
  const signal = await asked;
  clock.pass(9999);
  expect(signal.aborted).toBe(false);
  clock.pass(1);
  await expect(put).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
