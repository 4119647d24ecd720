import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCache, type Cache, type Cached, type Load } from './cache.ts';
import { heldLoad } from './testing/watched-vault.ts';
import { fakeClock, type FakeClock } from './testing/fake-clock.ts';
import { watchedVault, type WatchedVault } from './testing/watched-vault.ts';

let clock: FakeClock;
let vault: WatchedVault;
let cache: Cache;

beforeEach(() => {
  clock = fakeClock();
  vault = watchedVault();
  cache = createCache({ vault, clock, maxEntries: 100 });
});

afterEach(() => {
  cache.stop();
  assert.deepEqual([vault.live, clock.timers], [0, 0], 'values or timers are left');
});

const text = ({ bytes }: Cached): string => Buffer.from(bytes).toString();
const gives =
  (value: string): Load =>
  () =>
    Promise.resolve({ bytes: Buffer.from(value), info: { version: value } });
const about = ({ ageMs, hit, info }: Cached): unknown => ({ ageMs, hit, version: info.version });
const throwsAtOnce: Load = () => {
  throw new Error('at once');
};
const never: Load = () => Promise.reject(new Error('loaded'));

describe('freshness', () => {
  test('an entry is given without a load until its ttl has passed', async () => {
    expect(await cache.get('k', 1000, gives('one'), text)).toBe('one');
    clock.pass(999);
    expect(await cache.get('k', 1000, never, text)).toBe('one');
    clock.pass(1);
    expect(await cache.get('k', 1000, gives('two'), text)).toBe('two');
  });

  test('says how old the value is, and whether it was there', async () => {
    expect(await cache.get('k', 1000, gives('a'), about)).toEqual({
      ageMs: 0,
      hit: false,
      version: 'a',
    });
    clock.pass(300);
    expect(await cache.get('k', 1000, never, about)).toEqual({
      ageMs: 300,
      hit: true,
      version: 'a',
    });
    expect(cache.peek('k')).toEqual({ ageMs: 300, info: { version: 'a' } });
  });

  test('a ttl of 0 keeps nothing', async () => {
    expect(await cache.get('k', 0, gives('one'), text)).toBe('one');
    expect([cache.entries, cache.bytes, vault.live]).toEqual([0, 0, 0]);
  });

  test('a caller with a shorter ttl is not given an older value', async () => {
    await cache.get('k', 1000, gives('one'), text);
    clock.pass(100);
    expect(await cache.get('k', 100, gives('two'), text)).toBe('two');
    clock.pass(100);
    expect(await cache.get('k', 1000, gives('three'), text)).toBe('three');
  });

  test('a value does not outlive the end that its backend gave', async () => {
    const expires = new Date(clock.now() + 500).toISOString();
    const load: Load = () => Promise.resolve({ bytes: Buffer.from('one'), info: { expires } });
    await cache.get('k', 1000, load, text);
    clock.pass(499);
    expect(cache.peek('k')).toBeDefined();
    clock.pass(1);
    expect(cache.peek('k')).toBeUndefined();
  });

  test('B17: the greater of both clocks counts', async () => {
    await cache.get('k', 10_000, gives('one'), text);
    clock.jump(-20_000);
    clock.pass(10_000);
    expect(cache.peek('k')).toBeUndefined();
    await cache.get('k', 10_000, gives('two'), text);
    clock.jump(10_000);
    expect(cache.peek('k')).toBeUndefined();
  });

  test.each([31_000, -31_000, 3_600_000])(
    'B17: a jump of %i ms empties it on the next access',
    async (ms) => {
      await cache.get('k', 3_600_000 * 24, gives('one'), text);
      clock.jump(ms);
      expect(cache.peek('k')).toBeUndefined();
      expect(cache.entries).toBe(0);
      await cache.get('k', 1000, gives('two'), text);
      expect(cache.peek('k')).toBeDefined();
    },
  );

  test('B17: small jumps add up', async () => {
    await cache.get('k', 3_600_000, gives('one'), text);
    clock.jump(-20_000);
    expect(cache.peek('k')).toBeDefined();
    clock.jump(-20_000);
    expect(cache.peek('k')).toBeUndefined();
  });

  test('B17: a jump empties it though nobody asks', async () => {
    await cache.get('k', 3_600_000, gives('one'), text);
    clock.jump(3_000_000);
    clock.pass(10_000);
    expect([cache.entries, vault.live]).toEqual([0, 0]);
  });

  test('a value that has ended is wiped though nobody asks', async () => {
    await cache.get('k', 1000, gives('one'), text);
    clock.pass(11_000);
    expect([cache.entries, vault.live, clock.timers]).toEqual([0, 0, 0]);
  });

  test('B17: a load during which the clock jumped is not kept', async () => {
    const slow = heldLoad();
    const result = cache.get('k', 1000, slow.load, text);
    clock.jump(60_000);
    slow.give('one');
    expect(await result).toBe('one');
    expect(cache.entries).toBe(0);
  });
});

describe('one load for many', () => {
  test('callers of one key share a load, and each gets the value', async () => {
    const slow = heldLoad();
    const load = vi.fn<Load>(slow.load);
    const results = Array.from({ length: 100 }, () => cache.get('k', 1000, load, text));
    const other = cache.get('other', 1000, gives('else'), text);
    slow.give('one');
    expect(new Set(await Promise.all(results))).toEqual(new Set(['one']));
    expect(await other).toBe('else');
    expect(load).toHaveBeenCalledTimes(1);
    expect(cache.entries).toBe(2);
  });

  test('its failure goes to them all and is not kept', async () => {
    const slow = heldLoad();
    const results = [1, 2, 3].map(() => cache.get('k', 1000, slow.load, text));
    slow.fail(new Error('unavailable'));
    for (const result of await Promise.allSettled(results)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { message: 'unavailable' } });
    }
    expect(await cache.get('k', 1000, gives('one'), text)).toBe('one');
  });

  test('a load that throws before its first await is a failure like any other', async () => {
    await expect(cache.get('k', 1000, throwsAtOnce, text)).rejects.toThrow('at once');
    expect(await cache.get('k', 1000, gives('one'), text)).toBe('one');
  });

  test('no such secret is an answer, and is not kept', async () => {
    expect(await cache.get('k', 1000, () => Promise.resolve(undefined), text)).toBeUndefined();
    expect(await cache.get('k', 1000, gives('one'), text)).toBe('one');
  });

  test('of callers that share a load the shortest ttl counts', async () => {
    const slow = heldLoad();
    const results = [1000, 0].map((ttl) => cache.get('k', ttl, slow.load, text));
    slow.give('one');
    expect(await Promise.all(results)).toEqual(['one', 'one']);
    expect(cache.entries).toBe(0);
  });

  test.each<[string, () => unknown]>([
    ['drop', () => cache.drop('k')],
    ['clear', () => cache.clear()],
    [
      'stop',
      () => {
        cache.stop();
      },
    ],
  ])('a load from before a %s answers its callers and is not kept', async (_name, act) => {
    const slow = heldLoad();
    const result = cache.get('k', 1000, slow.load, text);
    act();
    slow.give('old');
    expect(await result).toBe('old');
    expect([cache.entries, vault.live]).toEqual([0, 0]);
  });

  test('a slow old load never overwrites a newer value', async () => {
    const old = heldLoad();
    const recent = heldLoad();
    const first = cache.get('k', 1000, old.load, text);
    cache.drop('k');
    const second = cache.get('k', 1000, recent.load, text);
    recent.give('new');
    expect(await second).toBe('new');
    old.give('old');
    expect(await first).toBe('old');
    expect(await cache.get('k', 1000, never, text)).toBe('new');
  });

  test('callers after a drop do not join the load from before it, even when it fails', async () => {
    const old = heldLoad();
    const recent = heldLoad();
    const first = cache.get('k', 1000, old.load, text);
    cache.drop('k');
    const second = cache.get('k', 1000, recent.load, text);
    old.fail(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const third = cache.get('k', 1000, never, text);
    recent.give('new');
    expect(await Promise.all([second, third])).toEqual(['new', 'new']);
  });
});

describe('lending', () => {
  test('the bytes that a load gave are wiped', async () => {
    const bytes = Buffer.from('one');
    await cache.get('k', 1000, () => Promise.resolve({ bytes, info: {} }), text);
    expect(bytes).toEqual(Buffer.alloc(3));
  });

  test('a value that leaves is wiped', async () => {
    let view: Uint8Array = Buffer.from('');
    await cache.get('other', 1000, gives('keeps the slab'), text);
    await cache.get('k', 1000, gives('one'), ({ bytes }) => {
      view = bytes;
    });
    expect(view).toEqual(Buffer.from('one'));
    expect(cache.drop('k')).toBe(true);
    expect(cache.drop('k')).toBe(false);
    expect(view).toEqual(Buffer.alloc(3));
  });

  test('an action may empty the cache and still read its value', async () => {
    const clears = (cached: Cached): string => {
      cache.clear();
      return text(cached);
    };
    expect(await cache.get('k', 1000, gives('one'), clears)).toBe('one');
    await cache.get('k', 1000, gives('two'), text);
    expect(await cache.get('k', 1000, never, clears)).toBe('two');
    expect(vault.live).toBe(0);
  });

  test('a copy is the caller’s own', async () => {
    const copy = await cache.get('k', 1000, gives('one'), (cached) => cached.copy());
    cache.clear();
    expect(copy?.use((bytes) => Buffer.from(bytes).toString())).toBe('one');
    copy?.wipe();
  });

  test('an action that throws fails its own caller alone', async () => {
    const slow = heldLoad();
    const bad = cache.get('k', 1000, slow.load, () => {
      throw new Error('mine');
    });
    const good = cache.get('k', 1000, slow.load, text);
    slow.give('one');
    await expect(bad).rejects.toThrow('mine');
    expect(await good).toBe('one');
  });

  test('an async action is refused', async () => {
    await expect(cache.get('k', 1000, gives('one'), async () => {})).rejects.toThrow(TypeError);
    await expect(cache.get('k', 1000, never, async () => {})).rejects.toThrow(TypeError);
  });
});

describe('room', () => {
  test('the entry longest unused goes first', async () => {
    cache = createCache({ vault, clock, maxEntries: 2 });
    await cache.get('a', 1000, gives('a'), text);
    await cache.get('b', 1000, gives('b'), text);
    await cache.get('a', 1000, never, text);
    await cache.get('c', 1000, gives('c'), text);
    expect(['a', 'b', 'c'].map((key) => cache.peek(key) !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
    expect([cache.entries, cache.bytes, vault.live]).toEqual([2, 2, 2]);
  });

  test('clear says how many went', async () => {
    await cache.get('a', 1000, gives('a'), text);
    await cache.get('b', 1000, gives('b'), text);
    expect(cache.clear()).toBe(2);
    expect(cache.clear()).toBe(0);
  });
});
