import { hkdfSync, timingSafeEqual } from 'node:crypto';
import {
  BrokerError,
  openIdentityFile,
  secretBytes,
  type IdentitySource,
} from '@mcp-broker/providers';
import type { Clock } from '../clock.ts';
import { existsSync } from 'node:fs';
import { createHeldKey, type HeldKey } from './held-key.ts';
import type { KeychainHome } from './keychain-home.ts';
import type { Vault } from '../memory.ts';

/** What the keys of a home are derived from: the sealed file's identity, or a key in the keychain. */
export type KeySource = 'sealed' | 'keychain';

/**
 * Holds the home's key and the sealed file's identity in locked memory, from unlock until lock, idle
 * time-out or stop. Except in a home on the keychain the two are one.
 */
export interface Keyring extends IdentitySource {
  readonly source: KeySource;
  /** Keys can be derived. */
  readonly unlocked: boolean;
  readonly isSealedOpen: boolean;
  /** Goes up with each lock: what began before is not finished after. */
  readonly epoch: number;
  /** This home has an identity file and no passphrase. */
  readonly hasIdentityFile: boolean;
  /** There is a passphrase to ask for. */
  readonly hasPassphrase: boolean;
  /** In a home on the keychain: takes its key from there. Throws as `KeychainHome.read` does. */
  open(): Promise<void>;
  /** Takes over the key of a home that has just been put on the keychain. */
  adoptHomeKey(key: Uint8Array): void;
  /**
   * Opens the identity with a passphrase; without one, the identity file of the config. `admit` may
   * refuse it, in a home on the keychain.
   */
  unlock(
    passphrase: Uint8Array | undefined,
    signal: AbortSignal,
    admit?: (scalar: Uint8Array) => Promise<void>,
  ): Promise<void>;
  /** Takes over a scalar that was just made. Throws `ERR_USAGE` when one is held already. */
  adopt(scalar: Uint8Array): void;
  /** Throws `ERR_PASSPHRASE` unless it opens the very identity that is held, `ERR_LOCKED` when none is. */
  checkPassphrase(passphrase: Uint8Array): Promise<void>;
  /**
   * A key of 32 bytes for one purpose (HKDF-SHA-256 of the identity's scalar or of the key in the keychain,
   * without salt, the label as info), which the caller wipes. Throws `closed()`.
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

/**
 * What the derived keys are for: MACs over the grants file and over the audit; what a sealed file says
 * of the home on the keychain that it belongs to.
 */
export type KeyLabel = 'grants/v1' | 'audit/v1' | 'sealed/v1';

export interface KeyringOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly keychain?: Pick<KeychainHome, 'isThere' | 'read' | 'closed'>;
  /** `identity.age`. */
  readonly sealed: string;
  /** A plain identity file, for machines without a person. */
  readonly identityFile: () => string | undefined;
  readonly lockAfterMs: () => number;
  /** Whatever locked it: what else has had the keys in its memory is to end. */
  readonly onLock?: () => void;
  /** It locked itself after idle time. */
  readonly onIdle: () => void;
  /** Another identity than the one held before: what was granted under that one is void. */
  readonly onOther: () => void;
}

/** A machine that slept is looked at this soon after it wakes. */
const lookEveryMs = 60_000;

export function createKeyring(options: KeyringOptions): Keyring {
  const { vault, clock } = options;
  let source: KeySource = options.keychain?.isThere === true ? 'keychain' : 'sealed';
  const onOther = (of: KeySource) => (): void => {
    if (of === source) options.onOther();
  };
  const identity = createHeldKey(vault, onOther('sealed'));
  const homeKey = createHeldKey(vault, onOther('keychain'));
  const root = (): HeldKey => (source === 'keychain' ? homeKey : identity);
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
    if (isForMachine || !(homeKey.isHeld || identity.isHeld)) return;
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

  const take = (key: HeldKey, bytes: Uint8Array): void => {
    key.take(bytes);
    isForMachine = source === 'sealed' && keyring.hasIdentityFile;
    keyring.touch();
    watchIdle();
  };

  const keyring: Keyring = {
    get source() {
      return source;
    },
    get unlocked() {
      return root().isHeld;
    },
    get isSealedOpen() {
      return identity.isHeld;
    },
    get epoch() {
      return epoch;
    },
    get hasIdentityFile() {
      return options.identityFile() !== undefined;
    },
    get hasPassphrase() {
      return !keyring.hasIdentityFile && (source === 'sealed' || existsSync(options.sealed));
    },
    use(action) {
      if (!identity.isHeld) throw sealedIsLocked();
      return identity.use(action);
    },
    async open() {
      const began = epoch;
      const key = await options.keychain?.read();
      if (key === undefined) throw keyring.closed();
      if (epoch !== began) {
        key.fill(0);
        throw keyring.closed();
      }
      take(homeKey, key);
    },
    adoptHomeKey(key) {
      source = 'keychain';
      take(homeKey, key);
    },
    async unlock(passphrase, signal, admit) {
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
      try {
        await admit?.(scalar);
        if (epoch !== began || signal.aborted) throw sealedIsLocked();
      } catch (error) {
        scalar.fill(0);
        throw error;
      }
      take(identity, scalar);
    },
    adopt(scalar) {
      if (identity.isHeld) {
        scalar.fill(0);
        throw new BrokerError('ERR_USAGE', 'the sealed file is unlocked already', {
          hint: 'mcp lock',
        });
      }
      take(identity, scalar);
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
      if (!root().isHeld) throw keyring.closed();
      return root().use((secret) => {
        const derived = new Uint8Array(hkdfSync('sha256', secret, '', label, 32));
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
      const wasHeld = homeKey.wipe();
      const isChange = identity.wipe() || wasHeld;
      options.onLock?.();
      return isChange;
    },
    closed: () =>
      (source === 'keychain' ? options.keychain?.closed() : undefined) ?? sealedIsLocked(),
  };
  return keyring;
}

function sealedIsLocked(): BrokerError {
  return new BrokerError('ERR_LOCKED', 'the sealed file is locked', { hint: 'mcp unlock' });
}
