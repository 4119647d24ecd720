import type { SecretInfo } from '@mcp-broker/providers';
import type { Clock } from './clock.ts';
import type { Slice, Vault } from './memory.ts';

export interface Cached {
  readonly value: Slice;
  readonly info: SecretInfo;
  /** How long ago it was read, in milliseconds; 0 for one just read. */
  readonly ageMs: number;
}

export interface CacheOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  /** Entries at most; the one longest unused goes first. */
  readonly maxEntries: number;
}

/** Reads a value anew; the bytes are moved into the vault and wiped. Undefined: no such secret. */
export type Load = () => Promise<{ readonly bytes: Uint8Array; readonly info: SecretInfo } | undefined>;

export interface Cache {
  /** A fresh entry, or nothing. */
  peek(key: string): Cached | undefined;
  /**
   * A fresh entry, or what `load` gives. Callers of one key share one load. A load that began before a
   * newer `drop` or `clear` answers its callers and is not kept. A ttl of 0 keeps nothing.
   */
  get(key: string, ttlMs: number, load: Load): Promise<Cached | undefined>;
  drop(key: string): boolean;
  /** Gives the number of entries that went. */
  clear(): number;
  readonly entries: number;
  readonly bytes: number;
  stop(): void;
}

/**
 * Age counts by the monotonic and the wall clock, whichever is greater. A jump of the wall clock
 * against the monotonic one by more than 30 s (set, or the machine slept) empties the cache.
 */
export declare function createCache(options: CacheOptions): Cache;
