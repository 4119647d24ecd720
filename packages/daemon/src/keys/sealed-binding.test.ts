import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeyring, type Keyring } from './keyring.ts';
import { createVault } from '../memory.ts';
import { createOwnItems } from './own-items.ts';
import { locatePaths, type Paths } from '../paths.ts';
import { createSealedBinding, type SealedBinding } from './sealed-binding.ts';
import { fakeClock } from '../testing/fake-clock.ts';

let paths: Paths;
beforeEach(() => {
  paths = locatePaths({ home: mkdtempSync(join(tmpdir(), 'mcp-binding-')) });
});
afterEach(() => {
  rmSync(paths.home, { recursive: true });
});

const scalar = (of = 7): Uint8Array => new Uint8Array(32).fill(of);

/** A home on the keychain with this key, and its sealed file open. */
async function open(key: number): Promise<{ keyring: Keyring; binding: SealedBinding }> {
  const clock = fakeClock();
  const keyring = createKeyring({
    vault: createVault(),
    clock,
    sealed: paths.identity,
    identityFile: () => undefined,
    lockAfterMs: () => Number.MAX_SAFE_INTEGER,
    onIdle: () => undefined,
    onOther: () => undefined,
  });
  keyring.adoptHomeKey(Buffer.alloc(32, key));
  keyring.adopt(scalar());
  const binding = createSealedBinding({
    keyring,
    paths,
    items: (identity) =>
      createOwnItems({
        file: paths.own,
        identity,
        lock: () => Promise.resolve(() => undefined),
        now: () => clock.now(),
        after: (ms, action) => clock.after(ms, action),
      }),
  });
  return { keyring, binding };
}

const refused = { code: 'ERR_CONFIG', hint: expect.stringContaining('rm ') as string };

test('a sealed file is of the home that it was tied to, and of no other', async () => {
  const { binding } = await open(1);
  await expect(binding.check(scalar())).rejects.toMatchObject(refused);
  await binding.tie();
  await binding.check(scalar());
  const other = await open(2);
  await expect(other.binding.check(scalar())).rejects.toMatchObject(refused);
  await other.binding.tie();
  await other.binding.check(scalar());
});

test('what ties it cannot be made without its identity', async () => {
  const { binding } = await open(1);
  await binding.tie();
  await expect(binding.check(scalar(8))).rejects.toThrow('own.age');
  rmSync(paths.own);
  await expect(binding.check(scalar())).rejects.toMatchObject(refused);
});
