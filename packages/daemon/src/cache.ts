import type { SecretInfo } from '@mcp-broker/providers';
import type { Clock } from './clock.ts';
import type { Slice, Vault } from './memory.ts';

/** What is known of an entry besides its value. */
export interface CachedInfo {
  readonly info: SecretInfo;
  /** How long ago it was read, in milliseconds; 0 for one just read. */
  readonly ageMs: number;
}

/** Lent to the action of a `get` for the time of its call. */
export interface Cached extends CachedInfo {
  /** Must not be kept: wiped or used again once the action has returned. */
  readonly bytes: Uint8Array;
  /** It was there before it was asked for. */
  readonly hit: boolean;
  /** A copy in locked memory for the caller, who wipes it. */
  copy(): Slice;
}

export interface CacheOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  /** Entries at most; the one longest unused goes first. */
  readonly maxEntries: number;
}

/** Reads a value anew; the bytes are moved into the vault and wiped. Undefined: no such secret. */
export type Load = () => Promise<
  { readonly bytes: Uint8Array; readonly info: SecretInfo } | undefined
>;

export interface Cache {
  /** What is known of a fresh entry, or nothing. It does not count as a use. */
  peek(key: string): CachedInfo | undefined;
  /**
   * Gives what `action` makes of a fresh entry or of what `load` gives; undefined when there is no such
   * secret. The action runs at once, before anything else can wipe the value, and copies what it needs;
   * it may not be async. Callers of one key share one load; its failure goes to them all and is not
   * kept. A load that began before a newer `drop` or `clear` answers its callers, is not kept and gets
   * no new ones. A ttl of 0 keeps nothing; of callers that share a load the shortest ttl counts, and
   * never one past the time that the backend gave as the value's end.
   */
  get<T>(
    key: string,
    ttlMs: number,
    load: Load,
    action: (cached: Cached) => T,
  ): Promise<T | undefined>;
  drop(key: string): boolean;
  /** Gives the number of entries that went. */
  clear(): number;
  readonly entries: number;
  readonly bytes: number;
  /** Empties it; from then on nothing is kept. */
  stop(): void;
}

interface Entry {
  readonly value: Slice;
  readonly info: SecretInfo;
  readonly ttlMs: number;
  readonly readNow: number;
  readonly readMonotonic: number;
}

/** A load under way and those who wait for it. */
interface Flight {
  ttlMs: number;
  readonly waiting: {
    settle: (cached: Cached | undefined) => void;
    fail: (error: unknown) => void;
  }[];
}

const jumpMs = 30_000;
/** How long, at most, a value outlives its ttl or a jump of the clock while nobody asks. */
const sweepMs = 10_000;

/**
 * Age counts by the monotonic and the wall clock, whichever is greater. A jump of the wall clock
 * against the monotonic one by more than 30 s (set, or the machine slept) empties the cache. Values are
 * wiped when they leave it, and leave it within 10 s of their end.
 */
export function createCache({ vault, clock, maxEntries }: CacheOptions): Cache {
  /** The one longest unused first. */
  const entries = new Map<string, Entry>();
  /** The load under way that may be kept; one that `drop` or `clear` has cut off is in here no more. */
  const flights = new Map<string, Flight>();
  let size = 0;
  let stopped = false;
  let cancelSweep: (() => void) | undefined;
  let offset = clock.now() - clock.monotonic();

  const ageOf = (entry: Entry): number =>
    Math.max(clock.monotonic() - entry.readMonotonic, clock.now() - entry.readNow);

  const remove = (key: string): boolean => {
    const entry = entries.get(key);
    if (entry === undefined) return false;
    entries.delete(key);
    size -= entry.value.length;
    entry.value.wipe();
    return true;
  };

  const moveIn = (loaded: Uint8Array): Slice => {
    try {
      return vault.store(loaded);
    } finally {
      loaded.fill(0);
    }
  };

  const lend = (lent: Uint8Array, info: SecretInfo, ageMs: number, hit: boolean): Cached => ({
    bytes: lent,
    info,
    ageMs,
    hit,
    copy: () => vault.store(lent),
  });

  const clear = (): number => {
    const count = entries.size;
    flights.clear();
    for (const key of entries.keys()) remove(key);
    cancelSweep?.();
    cancelSweep = undefined;
    return count;
  };

  const purgeAfterJump = (): void => {
    const now = clock.now() - clock.monotonic();
    if (Math.abs(now - offset) <= jumpMs) return;
    offset = now;
    clear();
  };

  const sweep = (): void => {
    cancelSweep = undefined;
    purgeAfterJump();
    for (const [key, entry] of entries) if (ageOf(entry) >= entry.ttlMs) remove(key);
    scheduleSweep();
  };

  const scheduleSweep = (): void => {
    if (entries.size > 0) cancelSweep ??= clock.after(sweepMs, sweep);
  };

  const fresh = (key: string, ttlMs: number): Entry | undefined => {
    purgeAfterJump();
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    const age = ageOf(entry);
    if (age >= entry.ttlMs) remove(key);
    return age < Math.min(entry.ttlMs, ttlMs) ? entry : undefined;
  };

  const keep = (key: string, entry: Entry): void => {
    remove(key);
    for (const oldest of entries.keys()) {
      if (entries.size < maxEntries) break;
      remove(oldest);
    }
    entries.set(key, entry);
    size += entry.value.length;
    scheduleSweep();
  };

  /** Ends a flight: its value goes to those who wait, and stays if nothing newer has happened. */
  const land = (key: string, flight: Flight, loaded: Awaited<ReturnType<Load>>): void => {
    purgeAfterJump();
    const current = flights.get(key) === flight;
    if (current) flights.delete(key);
    if (loaded === undefined) {
      if (current) remove(key);
      for (const { settle } of flight.waiting) settle(undefined);
      return;
    }
    const { info } = loaded;
    const ttlMs = Math.min(flight.ttlMs, msUntil(info.expires, clock.now()));
    const value = moveIn(loaded.bytes);
    if (current) remove(key);
    const kept = current && ttlMs > 0 && maxEntries > 0 && !stopped;
    if (kept) {
      keep(key, { value, info, ttlMs, readNow: clock.now(), readMonotonic: clock.monotonic() });
    }
    // An action may well drop the entry: the slice is wiped when its use has ended, not before.
    value.use((lent) => {
      for (const { settle } of flight.waiting) settle(lend(lent, info, 0, false));
      if (!kept) value.wipe();
    });
  };

  const fly = async (key: string, flight: Flight, load: Load): Promise<void> => {
    try {
      land(key, flight, await load());
    } catch (error) {
      if (flights.get(key) === flight) flights.delete(key);
      for (const { fail } of flight.waiting) fail(error);
    }
  };

  return {
    get entries() {
      return entries.size;
    },
    get bytes() {
      return size;
    },
    peek(key) {
      const entry = fresh(key, Infinity);
      return entry && { info: entry.info, ageMs: ageOf(entry) };
    },
    async get<T>(key: string, ttlMs: number, load: Load, action: (cached: Cached) => T) {
      const entry = fresh(key, ttlMs);
      if (entry !== undefined) {
        entries.delete(key);
        entries.set(key, entry);
        const { value, info } = entry;
        return value.use((lent) => action(lend(lent, info, ageOf(entry), true)));
      }
      const joined = flights.get(key);
      const flight = joined ?? { ttlMs, waiting: [] };
      flight.ttlMs = Math.min(flight.ttlMs, ttlMs);
      const result = new Promise<T | undefined>((resolve, reject) => {
        flight.waiting.push({
          settle(cached) {
            try {
              resolve(cached && settled(action(cached)));
            } catch (error) {
              reject(error);
            }
          },
          fail: reject,
        });
      });
      if (joined === undefined) {
        flights.set(key, flight);
        void fly(key, flight, load);
      }
      return result;
    },
    drop(key) {
      flights.delete(key);
      return remove(key);
    },
    clear,
    stop() {
      stopped = true;
      clear();
    },
  };
}

/** How long the backend itself lets a value live; for ever when it does not say. */
function msUntil(expires: string | undefined, now: number): number {
  const ms = expires === undefined ? NaN : Date.parse(expires) - now;
  return Number.isNaN(ms) ? Infinity : ms;
}

/** An action's result. A promise would mean that it goes on with bytes that are lent no longer. */
function settled<T>(result: T): T {
  if (result instanceof Promise) throw new TypeError('lent bytes do not outlive the call');
  return result;
}
