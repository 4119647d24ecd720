import type { Load } from '../cache.ts';
import { createVault, type Slice, type Vault } from '../memory.ts';

/** A true vault, for tests, that knows which of its slices are not wiped. */
export interface WatchedVault extends Vault {
  /** Slices that are not wiped. */
  readonly live: number;
  /** Bytes in them. */
  readonly held: number;
}

export function watchedVault(): WatchedVault {
  const vault = createVault();
  const live = new Set<Slice>();
  return {
    get reserved() {
      return vault.reserved;
    },
    get live() {
      return live.size;
    },
    get held() {
      return [...live].reduce((sum, slice) => sum + slice.length, 0);
    },
    store(bytes) {
      const slice = vault.store(bytes);
      const watched: Slice = {
        length: slice.length,
        use: (action) => slice.use(action),
        wipe() {
          slice.wipe();
          live.delete(watched);
        },
      };
      live.add(watched);
      return watched;
    },
  };
}

/** A load that ends when the test says so. */
export interface HeldLoad {
  readonly load: Load;
  give(value: string): void;
  fail(error: Error): void;
}

export function heldLoad(): HeldLoad {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Load>>>();
  return {
    load: () => promise,
    give(value) {
      resolve({ bytes: Buffer.from(value), info: {} });
    },
    fail: reject,
  };
}
