import { createHash, timingSafeEqual } from 'node:crypto';
import type { Slice, Vault } from '../memory.ts';

/** One key in locked memory, or none. */
export interface HeldKey {
  readonly isHeld: boolean;
  /** Puts it in the place of one that is held, and wipes what it was handed. */
  take(bytes: Uint8Array): void;
  /** Lends it for the time of the call. Throws a `TypeError` when there is none. */
  use<T>(action: (bytes: Uint8Array) => T): T;
  /** False when none was held. */
  wipe(): boolean;
}

/** `onOther`: a key was taken that is not the one held before, though it be wiped since. */
export function createHeldKey(vault: Vault, onOther: () => void): HeldKey {
  let held: Slice | undefined;
  let digest: Buffer | undefined;

  return {
    get isHeld() {
      return held !== undefined;
    },
    take(bytes) {
      const next = createHash('sha256').update(bytes).digest();
      if (digest !== undefined && !timingSafeEqual(digest, next)) onOther();
      digest = next;
      held?.wipe();
      held = vault.store(bytes);
      bytes.fill(0);
    },
    use(action) {
      if (held === undefined) throw new TypeError('no key is held');
      return held.use(action);
    },
    wipe() {
      if (held === undefined) return false;
      held.wipe();
      held = undefined;
      return true;
    },
  };
}
