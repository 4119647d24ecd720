import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '../audit/event.ts';
import type { Broker } from '../broker.ts';
import { createKeychainHome, type KeychainHome } from './keychain-home.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { createVault } from '../memory.ts';
import { openFirst } from '../handlers/open-first.ts';
import { createOpening, type Opening } from './opening.ts';
import { locatePaths, type Paths } from '../paths.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { lockedKeychain, memoryKeychain, type MemoryKeychain } from '../testing/memory-keychain.ts';

let paths: Paths;
let items: MemoryKeychain;
let keychain: KeychainHome;
let keyring: Keyring;
let opening: Opening;
let clock: FakeClock;
let lines: AuditEvent[];
let reads: number;
let idle: number;
let others: number;
/** What a line does besides being written. */
let onLine: () => void;

beforeEach(async () => {
  paths = locatePaths({ home: mkdtempSync(join(tmpdir(), 'mcp-opening-')) });
  mkdirSync(paths.run);
  items = memoryKeychain();
  await createKeychainHome({ paths, items }).create();
  [clock, lines, reads, idle, others, onLine] = [fakeClock(), [], 0, 0, 0, () => undefined];
  items.meet = () => {
    reads += 1;
  };
  start();
});
afterEach(() => {
  rmSync(paths.home, { recursive: true });
});

/** As a daemon that starts. */
function start(): void {
  keychain = createKeychainHome({ paths, items });
  keyring = createKeyring({
    vault: createVault(),
    clock,
    keychain,
    sealed: paths.identity,
    identityFile: () => undefined,
    lockAfterMs: () => 1000,
    onIdle: () => (idle += 1),
    onOther: () => (others += 1),
  });
  const broker = {
    keyring,
    keychain,
    audit: {
      append(line: AuditEvent) {
        lines.push(line);
        onLine();
        return Promise.resolve();
      },
      useKey: () => undefined,
    },
    auditKeys: { attach: () => Promise.resolve(), keep: () => Promise.resolve() },
  } as unknown as Broker;
  opening = createOpening(broker, () => Promise.resolve());
}

test('a home on the keychain is locked at first, and has its keys from there', async () => {
  expect([keyring.source, keyring.unlocked]).toEqual(['keychain', false]);
  expect(() => keyring.derive('grants/v1')).toThrow('its key is in the keychain');
  await opening.open();
  const key = keyring.derive('grants/v1');
  expect(keyring.derive('audit/v1')).not.toEqual(key);
  start();
  await opening.open();
  expect(keyring.derive('grants/v1')).toEqual(key);
  expect(lines.map(({ event, backend, outcome }) => [event, backend, outcome])).toEqual([
    ['unlock', 'keychain', 'allowed'],
    ['unlock', 'keychain', 'allowed'],
  ]);
});

test('it opens no sealed file', async () => {
  await opening.open();
  expect([keyring.unlocked, keyring.isSealedOpen, keyring.hasPassphrase]).toEqual([
    true,
    false,
    false,
  ]);
  expect(() => keyring.use(() => undefined)).toThrow('the sealed file is locked');
});

test('the keychain is asked once for all that wait for it', async () => {
  await Promise.all([opening.open(), opening.open(), opening.open()]);
  await opening.open();
  expect(reads).toBe(1);
});

test('a locked keychain is asked again by the next that needs it', async () => {
  items.meet = () => Promise.reject(lockedKeychain);
  await expect(opening.open()).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  expect(lines).toMatchObject([{ event: 'unlock', outcome: 'failed', code: 'ERR_LOCKED' }]);
  items.meet = () => undefined;
  await opening.open();
  expect(keyring.unlocked).toBe(true);
});

test('what a person has locked nobody else opens, and the keychain is not asked', async () => {
  keychain.shut();
  await expect(opening.open()).rejects.toMatchObject({ code: 'ERR_LOCKED', hint: 'mcp unlock' });
  expect([reads, lines]).toEqual([0, []]);
  keychain.unshut();
  await opening.open();
  expect(keyring.unlocked).toBe(true);
});

test('a lock that comes meanwhile stands', async () => {
  const opened = opening.open();
  keyring.lock();
  await expect(opened).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  expect(keyring.unlocked).toBe(false);
});

test('so does one that comes while the opening is written down', async () => {
  onLine = () => keyring.lock();
  await expect(opening.open()).rejects.toMatchObject({ code: 'ERR_LOCKED' });
});

test('an opening that cannot be written down is taken back', async () => {
  onLine = () => {
    throw new Error('disk full');
  };
  await expect(opening.open()).rejects.toThrow('disk full');
  expect(keyring.unlocked).toBe(false);
});

test('its key leaves the memory after idle time, and comes back when it is needed', async () => {
  await opening.open();
  clock.pass(1000);
  expect([keyring.unlocked, idle]).toEqual([false, 1]);
  await opening.open();
  expect(keyring.unlocked).toBe(true);
});

test('another key than the one before is told of', async () => {
  await opening.open();
  keyring.lock();
  await opening.open();
  expect(others).toBe(0);
  keyring.lock();
  items.items.clear();
  await keychain.create();
  await opening.open();
  expect(others).toBe(1);
});

describe('before a request', () => {
  const ofSecrets = [
    'secret.set',
    'secret.list',
    'secret.show',
    'secret.open',
    'secret.reveal',
    'secret.remove',
    'secret.move',
    'secret.history',
  ];
  const handlers = (): Record<string, (params: object, context: Context) => Promise<unknown>> =>
    openFirst(
      { keyring, opening, paths },
      new Proxy({} as Handlers, {
        get: () => () => Promise.resolve({ unlocked: keyring.unlocked }),
        ownKeys: () => [],
      }),
    ) as never;
  const call = (method: string): Promise<unknown> | undefined =>
    handlers()[method]?.({}, {} as Context);

  test.each(['launch.request', 'secret.list', 'secret.reveal', 'audit.verify'])(
    '%s the home is opened',
    async (method) => {
      expect(await call(method)).toEqual({ unlocked: true });
    },
  );

  test('a value in the keychain is out of reach while the home is locked', async () => {
    keychain.shut();
    for (const method of ofSecrets) {
      await expect(call(method), method).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    }
  });

  test('nor is it had in a home with a sealed file, once there is one', async () => {
    rmSync(paths.keychain);
    start();
    expect(await call('secret.reveal')).toEqual({ unlocked: false });
    writeFileSync(paths.identity, '');
    for (const method of ofSecrets) {
      await expect(call(method), method).rejects.toMatchObject({ hint: 'mcp unlock' });
    }
    expect(await call('sealed.create')).toEqual({ unlocked: false });
    keyring.adopt(new Uint8Array(32).fill(1));
    expect(await call('secret.reveal')).toEqual({ unlocked: true });
  });

  test('what says itself that it is locked is asked all the same', async () => {
    keychain.shut();
    expect(await call('launch.request')).toEqual({ unlocked: false });
  });
});
