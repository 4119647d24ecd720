import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createVault, type Slice } from './memory.ts';

/** 64 KiB and the page with sodium's canary. */
const oneSlab = 68 * 1024;

const bytes = (text: string): Buffer => Buffer.from(text);
const read = (slice: Slice): string => slice.use((lent) => Buffer.from(lent).toString());

/** The lent view itself, which the contract forbids to keep: to see what becomes of the memory. */
function viewOf(slice: Slice): Uint8Array {
  let view: Uint8Array = new Uint8Array();
  slice.use((lent) => {
    view = lent;
  });
  return view;
}

describe('a vault', () => {
  test('gives back what was stored, at every size around the borders of slots and slabs', () => {
    const vault = createVault();
    const sizes = [0, 1, 31, 32, 33, 100, 128, 4096, 16_383, 16_384, 16_385, 65_536, 1_000_000];
    const slices = sizes.map((size) => vault.store(Buffer.alloc(size, size % 251)));
    for (const [index, slice] of slices.entries()) {
      const size = sizes[index] ?? 0;
      expect(slice.length).toBe(size);
      expect(slice.use((lent) => Buffer.alloc(size, size % 251).equals(lent))).toBe(true);
    }
    for (const slice of slices) slice.wipe();
  });

  test('copies: what the caller does to its own bytes changes nothing', () => {
    const own = bytes('hunter2');
    const slice = createVault().store(own);
    own.fill(0);
    expect(read(slice)).toBe('hunter2');
  });

  test('wiping leaves zeroes', () => {
    const vault = createVault();
    const keeper = vault.store(bytes('keeps the slab mapped'));
    const slice = vault.store(bytes('hunter2'));
    const view = viewOf(slice);
    expect(view).toEqual(bytes('hunter2'));
    slice.wipe();
    expect(view).toEqual(Buffer.alloc(7));
    expect(read(keeper)).toBe('keeps the slab mapped');
  });

  test('a value with a slab to itself is unmapped when it is wiped', () => {
    const vault = createVault();
    const slice = vault.store(Buffer.alloc(100_000, 1));
    const view = viewOf(slice);
    slice.wipe();
    expect(view.length).toBe(0);
    expect(vault.reserved).toBe(0);
  });

  test('using a wiped value throws, wiping it twice does nothing', () => {
    const vault = createVault();
    const slice = vault.store(bytes('one'));
    slice.wipe();
    const next = vault.store(bytes('two'));
    slice.wipe();
    expect(() => read(slice)).toThrow('a wiped value was used');
    expect(read(next)).toBe('two');
    expect(read(vault.store(bytes('three')))).toBe('three');
    expect(read(next)).toBe('two');
  });

  test('a wipe during use waits for its end', () => {
    const vault = createVault();
    const slice = vault.store(bytes('hunter2'));
    const seen = slice.use((lent) => {
      slice.wipe();
      const other = vault.store(bytes('another'));
      expect(read(other)).toBe('another');
      expect(() => read(slice)).toThrow('a wiped value was used');
      return Buffer.from(lent).toString();
    });
    expect(seen).toBe('hunter2');
    expect(() => read(slice)).toThrow('a wiped value was used');
  });

  test('an action that throws gives the bytes back all the same', () => {
    const vault = createVault();
    const slice = vault.store(bytes('hunter2'));
    const view = viewOf(slice);
    expect(() =>
      slice.use(() => {
        slice.wipe();
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(view).toEqual(Buffer.alloc(7));
  });

  test('an async action is refused', () => {
    const slice = createVault().store(bytes('hunter2'));
    expect(() => slice.use(() => Promise.resolve())).toThrow(TypeError);
  });

  test('10,000 values of 100 bytes take few mappings and at most 20 MB, and leave one slab', () => {
    const vault = createVault();
    const before = mappings();
    const slices = Array.from({ length: 10_000 }, (_, index) =>
      vault.store(Buffer.alloc(100, index % 256)),
    );
    expect(vault.reserved).toBeLessThan(2_000_000);
    expect(mappings() - before).toBeLessThan(200);
    expect(slices.every((slice, i) => slice.use((lent) => lent.every((b) => b === i % 256)))).toBe(
      true,
    );
    for (const slice of slices) slice.wipe();
    expect(vault.reserved).toBe(oneSlab);
  });

  test('20,000 values that come and go in any order never touch each other', () => {
    const vault = createVault();
    const live = new Map<number, Slice>();
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    let wrong = 0;
    const check = (slice: Slice, mark: number): void => {
      if (!slice.use((lent) => lent.every((byte) => byte === mark % 256))) wrong += 1;
    };
    for (let mark = 0; mark < 20_000; mark++) {
      live.set(mark, vault.store(Buffer.alloc(random(300), mark % 256)));
      const old = random(mark + 1);
      const slice = live.get(old);
      if (slice !== undefined && random(3) > 0) {
        check(slice, old);
        slice.wipe();
        live.delete(old);
      }
    }
    for (const [mark, slice] of live) check(slice, mark);
    expect(wrong).toBe(0);
    for (const slice of live.values()) slice.wipe();
    expect(vault.reserved).toBe(oneSlab);
  });
});

function mappings(): number {
  if (process.platform !== 'linux') return 0;
  return readFileSync('/proc/self/maps', 'utf8').split('\n').length;
}
