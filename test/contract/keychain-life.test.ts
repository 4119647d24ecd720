import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { createKeychain, createKeychainOwnItems, type KeychainAccess } from '@mcp-broker/providers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { keychainNeeds, startKeychain, type Keychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';
import { parentOf } from '../kit/started.ts';
import {
  createKeychainHome,
  type KeychainHome,
  type KeychainHomeOptions,
} from './keychain-home.ts';

const writer = fileURLToPath(new URL('./keychain-writer.ts', import.meta.url));
const call = () => ({ signal: AbortSignal.timeout(60_000) });
const bytes = (text: string): Buffer => Buffer.from(text);

/** The helpers that this process, or another, has started. */
function helpers(parent = process.pid): number[] {
  return readdirSync('/proc')
    .filter((each) => /^\d+$/u.test(each))
    .map(Number)
    .filter((pid) => parent === parentOf(pid) && isHelper(pid));
}

function isHelper(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('keychain/worker.ts');
  } catch {
    return false;
  }
}

describe.skipIf(lacks(...keychainNeeds))('a keychain', () => {
  let keychain: Keychain;
  const homes: KeychainHome[] = [];
  const home = (options: Partial<KeychainHomeOptions> = {}): KeychainHome => {
    const made = createKeychainHome(keychain, { bus: () => keychain.bus, ...options });
    homes.push(made);
    return made;
  };

  beforeAll(async () => {
    keychain = await startKeychain();
  }, 60_000);
  afterEach(async () => {
    for (const made of homes.splice(0)) await made.cleanup();
  });
  afterAll(async () => {
    await keychain.remove();
  });

  const set = async ({ provider }: KeychainHome, name: string, value: string): Promise<void> => {
    await provider.put?.({ path: name }, bytes(value), call());
  };
  const get = async ({ provider }: KeychainHome, name: string): Promise<string | undefined> => {
    const secret = await provider.get({ path: name }, call());
    return secret && Buffer.from(secret.bytes).toString();
  };
  const names = async ({ provider }: KeychainHome): Promise<string[] | undefined> =>
    (await provider.list?.(call()))?.map(({ name }) => name);

  test('shows a home nothing of the one beside it', async () => {
    const [one, other] = [home(), home()];
    await set(one, 'SAME', 'of one');
    await set(other, 'SAME', 'of the other');
    await set(other, 'OTHER', 'x');
    expect(await get(one, 'SAME')).toBe('of one');
    expect(await names(one)).toEqual(['SAME']);
    await other.provider.delete?.({ path: 'SAME' }, call());
    expect(await get(one, 'SAME')).toBe('of one');
  });

  test('keeps what is the broker’s own where no locator leads and no list shows it', async () => {
    const { provider, access, folder, services } = home();
    const own = createKeychainOwnItems(access, folder);
    await own.put('key', bytes('own'));
    expect((await own.get('key'))?.toString()).toBe('own');
    expect(await provider.list?.(call())).toEqual([]);
    for (const path of ['key', 'own/key', services.own, `${services.own}/key`]) {
      expect(await provider.get({ path }, call()), path).toBeUndefined();
      expect(await provider.delete?.({ path }, call()), path).toBe(false);
    }
    for (const path of ['../key', '/own/key', 'own//key', './key']) {
      await expect(provider.get({ path }, call()), path).rejects.toMatchObject({
        code: 'ERR_CONFIG',
      });
    }
    expect((await own.get('key'))?.toString()).toBe('own');
    expect(await own.delete('key')).toBe(true);
    expect(await own.get('key')).toBeUndefined();
  });

  test('tells when a value was made and changed, and counts its versions', async () => {
    const one = home();
    await set(one, 'A', '1');
    const [first] = (await one.provider.list?.(call())) ?? [];
    await set(one, 'A', '1');
    expect(await one.provider.list?.(call())).toEqual([first]);
    await set(one, 'A', '2');
    const [second] = (await one.provider.list?.(call())) ?? [];
    expect([first?.version, second?.version]).toEqual(['1', '2']);
    expect(second?.created).toBe(first?.created);
    expect(Date.parse(second?.updated ?? '')).toBeGreaterThanOrEqual(
      Date.parse(first?.updated ?? ''),
    );
  });

  describe('whose user is cut short', () => {
    /** Ends, as far as the keychain sees, at its n-th write. */
    const endingAt = (access: KeychainAccess, last: number): KeychainAccess => {
      let writes = 0;
      const counted =
        <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          writes += 1;
          if (writes > last) throw new Error('ended');
          return write(...args);
        };
      return { ...access, put: counted(access.put), delete: counted(access.delete) };
    };
    const changes: readonly (readonly [string, (each: KeychainHome) => Promise<unknown>])[] = [
      ['a new value', (each) => set(each, 'NEW', 'value')],
      ['a value that replaces one', (each) => set(each, 'OLD', 'another')],
      ['a removal', async (each) => each.provider.delete?.({ path: 'OLD' }, call())],
    ];
    const cuts = changes.flatMap(([title, change]) =>
      [0, 1, 2].map((last) => [title, last, change] as const),
    );
    test.each(cuts)('in %s after %i writes: what is listed is there', async (_, last, change) => {
      const one = home();
      await set(one, 'OLD', 'value');
      await set(one, 'OTHER', 'value');
      const cut = createKeychain({
        keychain: endingAt(one.access, last),
        home: one.folder,
        lock: () => Promise.resolve(() => undefined),
        now: () => Date.now(),
      });
      await expect(change({ ...one, provider: cut })).rejects.toMatchObject({
        code: 'ERR_INTERNAL',
      });
      const there: string[] = [];
      for (const name of ['NEW', 'OLD', 'OTHER']) {
        if ((await get(one, name)) !== undefined) there.push(name);
      }
      expect(await names(one)).toEqual(there);
      expect(there).toContain('OTHER');
      // And it can be done again.
      await change(one);
      expect(await names(one)).toContain('OTHER');
    });
  });

  test.each([
    ['lost', undefined],
    ['damaged', bytes('{"version":1,"names":[[1]]}')],
    ['no text', Buffer.from([0xff, 0, 1])],
  ])('whose names are %s is asked for them', async (_, spoiled) => {
    const one = home();
    await set(one, 'A', 'value');
    await one.provider.put?.({ path: 'BINARY' }, Buffer.from([0xff, 0xfe, 0]), call());
    if (spoiled === undefined) await one.access.delete(one.services.own, 'names', call());
    else await one.access.put(one.services.own, 'names', spoiled, call());
    expect(await names(one)).toEqual(['A', 'BINARY']);
    await set(one, 'C', 'value');
    expect(await names(one)).toEqual(['A', 'BINARY', 'C']);
  });

  test('that is killed midway loses nothing that it said was kept', async () => {
    const one = home();
    const kept: string[] = [];
    const writing = (async () => {
      for (let at = 0; ; at += 1) {
        await set(one, `N${at}`, `value ${at}`);
        kept.push(`N${at}`);
      }
    })();
    writing.catch(() => undefined);
    await expect.poll(() => kept.length, { timeout: 30_000 }).toBeGreaterThan(5);
    await keychain.kill();
    await expect(writing).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    await keychain.restart();
    expect(await names(one)).toEqual(expect.arrayContaining(kept));
    for (const name of kept) expect(await get(one, name)).toBe(`value ${name.slice(1)}`);
    for (const name of (await names(one)) ?? []) expect(await get(one, name)).toBeDefined();
  });

  test('that was locked works again once it is unlocked', async () => {
    const one = home();
    await set(one, 'A', 'value');
    keychain.lock();
    await expect(get(one, 'A')).rejects.toMatchObject({ code: 'ERR_LOCKED', exitCode: 75 });
    await expect(set(home(), 'A', 'x')).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    await expect(home().provider.check?.(call())).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    await keychain.restart();
    expect(await get(one, 'A')).toBe('value');
  });

  test('that hangs holds up nobody else, and its callers no longer than the limit', async () => {
    const one = home({ limitMs: 3000 });
    await set(one, 'A', 'value');
    const release = keychain.stall();
    try {
      let settled = 0;
      const hung = Array.from({ length: 12 }, async () =>
        get(one, 'A').finally(() => (settled += 1)),
      );
      const outcomes = Promise.allSettled(hung);
      // Four such calls in this process would leave no thread for any of these.
      const work = promisify(pbkdf2);
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          await readFile('/proc/self/stat');
          await work('a', 'b', 1, 32, 'sha256');
        }),
      );
      expect(settled).toBe(0);
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: {
            code: 'ERR_BACKEND_UNAVAILABLE',
            message: 'the keychain did not answer in time',
            retryable: true,
          },
        });
      }
      expect(helpers()).toEqual([]);
    } finally {
      release();
    }
    expect(await get(one, 'A')).toBe('value');
  });

  test('that hangs is let go of once it is closed, with its helper, and serves the next', async () => {
    const one = home();
    await set(one, 'A', 'value');
    const release = keychain.stall();
    try {
      const hung = get(one, 'A');
      one.access.close();
      await expect(hung).rejects.toMatchObject({ code: 'ERR_LOCKED', hint: 'mcp unlock' });
      await expect.poll(() => helpers(), { timeout: 10_000 }).toEqual([]);
    } finally {
      release();
    }
    expect(await get(one, 'A')).toBe('value');
  });

  test('on a bus that says nothing is not waited for longer than the limit', async () => {
    const path = join(keychain.folder, 'mute');
    const mute = createServer().listen(path);
    await once(mute, 'listening');
    try {
      const one = home({ bus: () => `unix:path=${path}`, limitMs: 200 });
      await expect(get(one, 'A')).rejects.toMatchObject({ message: /did not answer in time/u });
    } finally {
      mute.close();
      rmSync(path, { force: true });
    }
  });

  test('is found again when the bus is another one', async () => {
    let bus: string | undefined = 'unix:path=/nonexistent/bus';
    const one = home({ bus: () => bus });
    await expect(set(one, 'A', 'x')).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    bus = keychain.bus;
    await set(one, 'A', 'value');
    bus = undefined;
    await expect(get(one, 'A')).rejects.toMatchObject({ message: /no session bus/u });
    bus = keychain.bus;
    expect(await get(one, 'A')).toBe('value');
  });

  test('has no helper but while it is used', async () => {
    const one = home({ idleMs: 50 });
    expect(helpers()).toEqual([]);
    await set(one, 'A', 'value');
    await expect.poll(() => helpers(), { timeout: 10_000 }).toEqual([]);
    expect(await get(one, 'A')).toBe('value');
  });

  test('has a helper that keeps few connections open, however much it is asked', async () => {
    const one = home();
    await set(one, 'A', 'value');
    let most = 0;
    for (let at = 0; at < 150; at += 1) {
      await get(one, 'A');
      const [pid] = helpers();
      most = Math.max(most, readdirSync(`/proc/${pid}/fd`).length);
    }
    expect(most).toBeLessThan(100);
  });

  test.each([false, true])(
    'has a helper that ends with whoever started it, however that ends (hanging: %s)',
    async (hanging) => {
      const release = hanging ? keychain.stall() : undefined;
      const child = execFile(process.execPath, ['--conditions=dev', writer, keychain.bus]);
      const pid = child.pid ?? 0;
      await expect.poll(() => helpers(pid), { timeout: 30_000 }).toHaveLength(1);
      const [helper] = helpers(pid);
      try {
        child.kill('SIGKILL');
        await once(child, 'close');
        await expect.poll(() => isHelper(helper ?? 0), { timeout: 20_000 }).toBe(false);
      } finally {
        release?.();
      }
    },
  );
});
