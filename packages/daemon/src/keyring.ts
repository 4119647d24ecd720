import { hkdfSync, timingSafeEqual } from 'node:crypto';
import {
  BrokerError,
  openIdentityFile,
  secretBytes,
  type IdentitySource,
} from '@mcp-broker/providers';
import type { Clock } from './clock.ts';
import { createHeldKey } from './held-key.ts';
import type { Vault } from './memory.ts';

/** Holds the sealed file's identity in locked memory, from unlock until lock, idle time-out or stop. */
export interface Keyring extends IdentitySource {
  readonly unlocked: boolean;
  /** Goes up with each lock: what began before is not finished after. */
  readonly epoch: number;
  /** This home has an identity file and no passphrase. */
  readonly hasIdentityFile: boolean;
  /** Opens the identity with a passphrase; without one, the identity file of the config. */
  unlock(passphrase: Uint8Array | undefined, signal: AbortSignal): Promise<void>;
  /** Takes over a scalar that was just made. Throws `ERR_USAGE` when one is held already. */
  adopt(scalar: Uint8Array): void;
  /** Throws `ERR_PASSPHRASE` unless it opens the very identity that is held, `ERR_LOCKED` when none is. */
  checkPassphrase(passphrase: Uint8Array): Promise<void>;
  /**
   * A key of 32 bytes for one purpose (HKDF-SHA-256 of the identity's scalar, without salt, the label as
   * info), which the caller wipes. Throws `ERR_LOCKED`.
   */
  derive(label: KeyLabel): Buffer;
  /** Somebody uses the home: idle time begins anew. Mere looks at it do not count. */
  touch(): void;
  /** The config changed: a shorter idle time counts from now on. */
  reconfigure(): void;
  /** False when it was locked already. */
  lock(): boolean;
  /** Why there is no key now, and what to do. */
  closed(): BrokerError;
}

/** What the derived keys are for: MACs over the grants file and over the audit. */
export type KeyLabel = 'grants/v1' | 'audit/v1';

export interface KeyringOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  /** `identity.age`. */
  readonly sealed: string;
  /** A plain identity file, for machines without a person. */
  readonly identityFile: () => string | undefined;
  readonly lockAfterMs: () => number;
  /** It locked itself after idle time. */
  readonly onIdle: () => void;
  /** Another identity than the one held before: what was granted under that one is void. */
  readonly onOther: () => void;
}

/** A machine that slept is looked at this soon after it wakes. */
const lookEveryMs = 60_000;

export function createKeyring(options: KeyringOptions): Keyring {
  const { vault, clock } = options;
  const identity = createHeldKey(vault, () => {
    options.onOther();
  });
  let epoch = 0;
  let used = { monotonic: 0, wall: 0 };
  let cancelIdle = (): void => {};
  // A config that is changed behind a person's back relaxes neither of these while we run.
  let lockAfterMs = options.lockAfterMs();
  let isForMachine = false;

  // Deriving a key takes 256 MiB: one at a time, however many ask.
  let turn: Promise<unknown> = Promise.resolve();
  const open = (passphrase: Uint8Array): Promise<Uint8Array> => {
    const opened = turn.then(() => openIdentityFile(options.sealed, passphrase));
    turn = opened.catch(() => undefined);
    return opened;
  };

  const watchIdle = (): void => {
    cancelIdle();
    // An identity file serves a machine without a person: nobody would be there to unlock it.
    if (!keyring.unlocked || isForMachine) return;
    // By both clocks: one stands still while the machine sleeps, the other can be set back.
    const idleMs = Math.max(clock.monotonic() - used.monotonic, clock.now() - used.wall);
    const left = lockAfterMs - idleMs;
    if (left <= 0) {
      keyring.lock();
      options.onIdle();
    } else {
      cancelIdle = clock.after(Math.min(left, lookEveryMs), watchIdle);
    }
  };

  const take = (scalar: Uint8Array): void => {
    identity.take(scalar);
    isForMachine = keyring.hasIdentityFile;
    keyring.touch();
    watchIdle();
  };

  const keyring: Keyring = {
    get unlocked() {
      return identity.isHeld;
    },
    get epoch() {
      return epoch;
    },
    get hasIdentityFile() {
      return options.identityFile() !== undefined;
    },
    use(action) {
      if (!identity.isHeld) throw keyring.closed();
      return identity.use(action);
    },
    async unlock(passphrase, signal) {
      const file = options.identityFile();
      const began = epoch;
      let scalar: Uint8Array;
      if (file !== undefined) {
        scalar = await openIdentityFile(file);
      } else if (passphrase !== undefined) {
        scalar = await open(passphrase);
      } else {
        throw new BrokerError('ERR_USAGE', 'the passphrase is missing', { hint: 'mcp unlock' });
      }
      if (epoch !== began || signal.aborted) {
        scalar.fill(0);
        throw keyring.closed();
      }
      take(scalar);
    },
    adopt(scalar) {
      if (identity.isHeld) {
        scalar.fill(0);
        throw new BrokerError('ERR_USAGE', 'the sealed file is unlocked already', {
          hint: 'mcp lock',
        });
      }
      take(scalar);
    },
    async checkPassphrase(passphrase) {
      const scalar = await open(passphrase);
      try {
        // Not only some identity file's: one that was put in place of ours opens as well.
        const isOurs = keyring.use((held) => timingSafeEqual(held, scalar));
        if (!isOurs) {
          throw new BrokerError(
            'ERR_PASSPHRASE',
            `${options.sealed} is not the file that was unlocked`,
            {
              hint: 'mcp lock, put the right file back, then: mcp unlock',
            },
          );
        }
      } finally {
        scalar.fill(0);
      }
    },
    derive(label) {
      return keyring.use((scalar) => {
        const derived = new Uint8Array(hkdfSync('sha256', scalar, '', label, 32));
        const key = secretBytes(derived.length);
        key.set(derived);
        derived.fill(0);
        return key;
      });
    },
    touch() {
      used = { monotonic: clock.monotonic(), wall: clock.now() };
    },
    reconfigure() {
      lockAfterMs = Math.min(lockAfterMs, options.lockAfterMs());
      watchIdle();
    },
    lock() {
      epoch += 1;
      cancelIdle();
      return identity.wipe();
    },
    closed: () =>
      new BrokerError('ERR_LOCKED', 'the sealed file is locked', { hint: 'mcp unlock' }),
  };
  return keyring;
}
