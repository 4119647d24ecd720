import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdentityFile } from '@mcp-broker/providers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { createVault } from '../memory.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-keyring-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface SetUp {
  readonly keyring: Keyring;
  readonly clock: FakeClock;
  readonly idle: () => number;
  readonly others: () => number;
  readonly settings: { lockAfterMs: number; identityFile: string | undefined };
}

function setUp(
  lockAfterMs = 1000,
  sealed = join(folder, 'identity.age'),
  onLock?: () => void,
): SetUp {
  const settings: SetUp['settings'] = { lockAfterMs, identityFile: undefined };
  let others = 0;
  const clock = fakeClock();
  let idle = 0;
  const keyring = createKeyring({
    vault: createVault(),
    clock,
    sealed,
    identityFile: () => settings.identityFile,
    lockAfterMs: () => settings.lockAfterMs,
    ...(onLock === undefined ? {} : { onLock }),
    onIdle: () => {
      idle += 1;
    },
    onOther: () => {
      others += 1;
    },
  });
  return { keyring, clock, idle: () => idle, others: () => others, settings };
}
const scalar = (): Uint8Array => new Uint8Array(32).fill(7);

describe('the keyring', () => {
  test('is locked at first, and says how to unlock it', () => {
    const { keyring } = setUp();
    expect(() => keyring.use(() => undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_LOCKED', hint: 'mcp unlock' }),
    );
  });

  test('tells of each lock, once nothing is held any more', () => {
    const held: boolean[] = [];
    const { keyring, clock } = setUp(1000, undefined, () => held.push(keyring.unlocked));
    keyring.adopt(scalar());
    keyring.lock();
    keyring.adopt(scalar());
    clock.pass(1000);
    // A value may be on its way to the keychain while no key is held.
    keyring.lock();
    expect(held).toEqual([false, false, false]);
  });

  test('lends what it adopted, and wipes what it was handed', () => {
    const { keyring } = setUp();
    const handed = scalar();
    keyring.adopt(handed);
    expect(handed).toEqual(new Uint8Array(32));
    expect(keyring.use((bytes) => Uint8Array.from(bytes))).toEqual(scalar());
  });

  test('lends nothing once it is locked, and is locked once', () => {
    const { keyring } = setUp();
    keyring.adopt(scalar());
    expect([keyring.lock(), keyring.lock(), keyring.unlocked]).toEqual([true, false, false]);
    expect(() => keyring.use(() => undefined)).toThrow('the sealed file is locked');
  });

  test('locks itself after idle time, which a touch begins anew and a look does not', () => {
    const { keyring, clock, idle } = setUp(1000);
    keyring.adopt(scalar());
    clock.pass(900);
    keyring.touch();
    clock.pass(900);
    expect(keyring.unlocked).toBe(true);
    keyring.use(() => undefined);
    clock.pass(200);
    expect([keyring.unlocked, idle()]).toEqual([false, 1]);
  });

  test('asks for the passphrase when it has no identity file', async () => {
    const { signal } = new AbortController();
    await expect(setUp().keyring.unlock(undefined, signal)).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
  });

  test('B17: locks itself when the machine has slept for longer', () => {
    const { keyring, clock } = setUp(8 * 3_600_000);
    keyring.adopt(scalar());
    clock.jump(9 * 3_600_000);
    clock.pass(60_000);
    expect(keyring.unlocked).toBe(false);
  });

  test('stays unlocked in a home with an identity file, where no person is', () => {
    const { keyring, clock, settings } = setUp(1000);
    settings.identityFile = '/somewhere';
    keyring.adopt(scalar());
    clock.pass(3_600_000);
    expect(keyring.unlocked).toBe(true);
  });

  test('counts by a shorter idle time as soon as the config says so', () => {
    const { keyring, clock, settings } = setUp(8 * 3_600_000);
    keyring.adopt(scalar());
    clock.pass(2000);
    settings.lockAfterMs = 1000;
    keyring.reconfigure();
    expect(keyring.unlocked).toBe(false);
  });

  test('B4: counts by a longer one when the daemon starts anew, and not before', () => {
    const { keyring, clock, settings } = setUp(1000);
    keyring.adopt(scalar());
    settings.lockAfterMs = 3_600_000;
    keyring.reconfigure();
    clock.pass(1000);
    expect(keyring.unlocked).toBe(false);
  });

  test('B4: locks itself though the config has come to name an identity file', () => {
    const { keyring, clock, settings } = setUp(1000);
    keyring.adopt(scalar());
    settings.identityFile = '/somewhere';
    keyring.reconfigure();
    clock.pass(1000);
    expect(keyring.unlocked).toBe(false);
  });

  test('takes no other identity while it holds one', () => {
    const { keyring } = setUp();
    keyring.adopt(scalar());
    expect(() => {
      keyring.adopt(new Uint8Array(32).fill(8));
    }).toThrow('the sealed file is unlocked already');
    expect(keyring.use((bytes) => bytes[0])).toBe(7);
  });

  test('says so when the next identity is another one', () => {
    const { keyring, others } = setUp();
    keyring.adopt(scalar());
    keyring.lock();
    keyring.adopt(scalar());
    expect(others()).toBe(0);
    keyring.lock();
    keyring.adopt(new Uint8Array(32).fill(8));
    expect(others()).toBe(1);
  });

  test('finishes no unlock that a lock has overtaken, and none that nobody waits for', async () => {
    const file = join(folder, 'identity.age');
    const passphrase = Buffer.from('correct horse');
    const made = await createIdentityFile(file, passphrase);
    const { keyring } = setUp(1000, file);
    const overtaken = keyring.unlock(passphrase, new AbortController().signal);
    keyring.lock();
    await expect(overtaken).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    await expect(keyring.unlock(passphrase, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ERR_LOCKED',
    });
    expect(keyring.unlocked).toBe(false);
    keyring.adopt(made);
    await expect(keyring.checkPassphrase(passphrase)).resolves.toBeUndefined();
  });

  test('derives the key of each purpose from the identity, as HKDF is written down', () => {
    const { keyring } = setUp();
    expect(() => keyring.derive('grants/v1')).toThrow('the sealed file is locked');
    keyring.adopt(scalar());
    const key = keyring.derive('grants/v1');
    // RFC 5869, in the two steps of its text.
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(scalar()).digest();
    const expanded = createHmac('sha256', extracted).update('grants/v1\u0001').digest();
    expect(key).toEqual(expanded);
    expect(keyring.derive('grants/v1')).toEqual(key);
    expect(keyring.derive('audit/v1')).not.toEqual(key);
    key.fill(0);
    expect(keyring.derive('grants/v1')).toEqual(expanded);
    keyring.lock();
    expect(() => keyring.derive('audit/v1')).toThrow('the sealed file is locked');
  });

  test('does not take the passphrase of a file that was put in place of its own', async () => {
    const file = join(folder, 'other.age');
    const passphrase = Buffer.from('of somebody else');
    await createIdentityFile(file, passphrase);
    const { keyring } = setUp(1000, file);
    await expect(keyring.checkPassphrase(passphrase)).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    keyring.adopt(scalar());
    await expect(keyring.checkPassphrase(passphrase)).rejects.toMatchObject({
      code: 'ERR_PASSPHRASE',
    });
  });
});
