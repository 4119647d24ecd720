import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeychainHome, type KeychainHome } from './keychain-home.ts';
import { locatePaths, type Paths } from '../paths.ts';
import {
  lockedKeychain,
  memoryKeychain,
  noKeychain,
  type MemoryKeychain,
} from '../testing/memory-keychain.ts';

let paths: Paths;
let items: MemoryKeychain;
beforeEach(() => {
  paths = locatePaths({ home: mkdtempSync(join(tmpdir(), 'mcp-keychain-home-')) });
  mkdirSync(paths.run);
  items = memoryKeychain();
});
afterEach(() => {
  rmSync(paths.home, { recursive: true });
});

/** As a daemon that starts. */
const start = (): KeychainHome => createKeychainHome({ paths, items });
const names = (): string[] => [...items.items.keys()];

test('has a key of 32 random bytes, which the next daemon finds, and leaves nothing of its try', async () => {
  const made = await start().create();
  expect(made?.length).toBe(32);
  const { id } = JSON.parse(readFileSync(paths.keychain, 'utf8')) as { id: string };
  expect(names()).toEqual([`home_${id}_key`]);
  expect(statSync(paths.keychain).mode & 0o777).toBe(0o600);
  const next = start();
  expect(next.isThere).toBe(true);
  expect(await next.read()).toEqual(made);
  expect(await next.create()).toBeUndefined();
  expect(await next.read()).toEqual(made);
});

test('says again that it is on the keychain when its file was taken away', async () => {
  const home = start();
  const made = await home.create();
  rmSync(paths.keychain);
  expect(await home.create()).toBeUndefined();
  expect(await start().read()).toEqual(made);
});

test('keeps the items of the daemon apart from those of another home', async () => {
  const home = start();
  await home.create();
  await home.own.put('grants', Buffer.from('1'));
  rmSync(paths.keychain);
  const other = start();
  await other.create();
  expect(await other.own.get('grants')).toBeUndefined();
  expect(names()).toHaveLength(3);
});

test.each([
  ['is locked', () => Promise.reject(lockedKeychain), 'ERR_LOCKED'],
  ['is not there', () => Promise.reject(noKeychain), 'ERR_BACKEND_UNAVAILABLE'],
  ['keeps nothing', async () => items.items.clear(), 'ERR_BACKEND_UNAVAILABLE'],
])('is not made where the keychain %s', async (_what, meet, code) => {
  items.meet = meet;
  const home = start();
  await expect(home.create()).rejects.toMatchObject({ code });
  expect([home.isThere, names()]).toEqual([false, []]);
  expect(start().isThere).toBe(false);
});

test('is not made, and leaves no key, when its file cannot be written', async () => {
  const home = start();
  writeFileSync(paths.keychain, 'of somebody else');
  await expect(home.create()).rejects.toMatchObject({ code: 'ERR_USAGE' });
  expect([home.isThere, names()]).toEqual([false, []]);
});

test.each([
  ['gone', () => items.items.clear(), 'ERR_NO_HOME'],
  ['too short', () => items.items.set(names()[0] ?? '', Buffer.alloc(31)), 'ERR_CORRUPT'],
])('opens with no key that is %s, and gets another one when it is asked for', async (...row) => {
  const [, spoil, code] = row;
  const first = await start().create();
  spoil();
  const home = start();
  await expect(home.read()).rejects.toMatchObject({
    code,
    hint: expect.stringContaining('mcp init') as string,
  });
  expect(home.closed()).toMatchObject({ code });
  const next = await home.create();
  expect(next?.length).toBe(32);
  expect(next).not.toEqual(first);
  expect(await home.read()).toEqual(next);
});

test('says why it is closed, with a hint that is of its key, until it has been read', async () => {
  const home = start();
  await home.create();
  expect(home.closed()).toMatchObject({ code: 'ERR_LOCKED', hint: 'mcp unlock' });
  items.meet = () => Promise.reject(noKeychain);
  await expect(home.read()).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
  expect(home.closed()).toMatchObject({
    message: expect.stringContaining('the key of this home') as string,
    hint: expect.stringContaining('settings.session_bus') as string,
  });
  items.meet = () => undefined;
  await home.read();
  expect(home.closed()).toMatchObject({ code: 'ERR_LOCKED' });
});

test('stays shut for the next daemon, until it is not', async () => {
  const home = start();
  await home.create();
  home.shut();
  expect(home.closed()).toMatchObject({ code: 'ERR_LOCKED', message: 'this home is locked' });
  const next = start();
  expect(next.isShut).toBe(true);
  await expect(next.create()).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  next.unshut();
  expect([next.isShut, start().isShut]).toEqual([false, false]);
});

test.each([
  ['is not in its format', '{"version":1,"id":"../x"}', 0o600, 'ERR_CORRUPT'],
  ['others may read', `{"version":1,"id":"${'0'.repeat(32)}"}`, 0o644, 'ERR_INSECURE_FILE'],
])('is refused when its file %s', (_what, text, mode, code) => {
  writeFileSync(paths.keychain, text, { mode });
  expect(start).toThrow(expect.objectContaining({ code }));
});
