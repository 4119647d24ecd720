import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeClock, type FakeClock } from './testing/fake-clock.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { createVault } from './memory.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-keyring-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function setUp(lockAfterMs = 1000): { keyring: Keyring; clock: FakeClock; idle: () => number } {
  const clock = fakeClock();
  let idle = 0;
  const keyring = createKeyring({
    vault: createVault(),
    clock,
    sealed: join(folder, 'identity.age'),
    identityFile: () => undefined,
    lockAfterMs: () => lockAfterMs,
    onIdle: () => {
      idle += 1;
    },
  });
  return { keyring, clock, idle: () => idle };
}
const scalar = (): Uint8Array => new Uint8Array(32).fill(7);

describe('the keyring', () => {
  test('is locked at first, and says how to unlock it', () => {
    const { keyring } = setUp();
    expect(() => keyring.use(() => undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_LOCKED', hint: 'mcp unlock' }),
    );
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

  test('locks itself after idle time, which each use begins anew', () => {
    const { keyring, clock, idle } = setUp(1000);
    keyring.adopt(scalar());
    clock.pass(900);
    keyring.use(() => undefined);
    clock.pass(900);
    expect(keyring.unlocked).toBe(true);
    clock.pass(200);
    expect([keyring.unlocked, idle()]).toEqual([false, 1]);
  });

  test('asks for the passphrase when it has no identity file', async () => {
    await expect(setUp().keyring.unlock()).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });
});
