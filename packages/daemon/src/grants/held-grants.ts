import type { Clock } from '../clock.ts';
import { unusedCode } from '../policy/codes.ts';
import { isForgotten, type Held } from './grant.ts';

/** Grants in memory, oldest first, found by what is launched. */
export interface HeldGrants {
  of(fingerprint: string): Iterable<Held>;
  all(): Held[];
  count(outcome: 'allowed' | 'denied'): number;
  unusedId(): string;
  put(held: Held): void;
  delete(held: Held): void;
  /** Drops what is over and tells nothing any more. */
  forget(): void;
  clear(): void;
}

export function createHeldGrants(clock: Clock): HeldGrants {
  const byId = new Map<string, Held>();
  const byFingerprint = new Map<string, Set<Held>>();

  const drop = (held: Held): void => {
    const { id, fingerprint } = held.grant;
    byId.delete(id);
    const same = byFingerprint.get(fingerprint);
    same?.delete(held);
    if (same?.size === 0) byFingerprint.delete(fingerprint);
  };

  return {
    of: (fingerprint) => byFingerprint.get(fingerprint) ?? [],
    all: () => [...byId.values()],
    count: (outcome) => [...byId.values()].filter(({ grant }) => grant.outcome === outcome).length,
    unusedId: () => unusedCode((code) => byId.has(code)),
    put(held) {
      const { id, fingerprint } = held.grant;
      const old = byId.get(id);
      if (old !== undefined) drop(old);
      byId.set(id, held);
      const same = byFingerprint.get(fingerprint);
      if (same === undefined) byFingerprint.set(fingerprint, new Set([held]));
      else same.add(held);
    },
    delete: drop,
    forget() {
      for (const held of byId.values()) if (isForgotten(held, clock)) drop(held);
    },
    clear() {
      byId.clear();
      byFingerprint.clear();
    },
  };
}
