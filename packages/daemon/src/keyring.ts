import { BrokerError, openIdentityFile, type IdentitySource } from '@mcp-broker/providers';
import type { Clock } from './clock.ts';
import type { Slice, Vault } from './memory.ts';

/** Holds the sealed file's identity in locked memory, from unlock until lock, idle time-out or stop. */
export interface Keyring extends IdentitySource {
  readonly unlocked: boolean;
  /** Opens the identity with a passphrase; without one, the identity file of the config. */
  unlock(passphrase?: Uint8Array): Promise<void>;
  /** Throws `ERR_PASSPHRASE` when it is not the sealed file's. */
  checkPassphrase(passphrase: Uint8Array): Promise<void>;
  /** Takes over a scalar that was just made. */
  adopt(scalar: Uint8Array): void;
  /** False when it was locked already. */
  lock(): boolean;
}

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
}

export function createKeyring(options: KeyringOptions): Keyring {
  const { vault, clock } = options;
  let identity: Slice | undefined;
  let usedAt = 0;
  let cancelIdle = (): void => {};

  // Deriving a key takes 256 MiB: one at a time, however many ask.
  let turn: Promise<unknown> = Promise.resolve();
  const open = (passphrase: Uint8Array): Promise<Uint8Array> => {
    const opened = turn.then(() => openIdentityFile(options.sealed, passphrase));
    turn = opened.catch(() => undefined);
    return opened;
  };

  const watchIdle = (): void => {
    const idleMs = clock.monotonic() - usedAt;
    const left = options.lockAfterMs() - idleMs;
    if (left <= 0) {
      keyring.lock();
      options.onIdle();
    } else {
      cancelIdle = clock.after(left, watchIdle);
    }
  };

  const keyring: Keyring = {
    get unlocked() {
      return identity !== undefined;
    },
    use(action) {
      if (identity === undefined) {
        throw new BrokerError('ERR_LOCKED', 'the sealed file is locked', { hint: 'mcp unlock' });
      }
      usedAt = clock.monotonic();
      return identity.use(action);
    },
    async unlock(passphrase) {
      const file = options.identityFile();
      if (passphrase !== undefined) {
        keyring.adopt(await open(passphrase));
      } else if (file !== undefined) {
        keyring.adopt(await openIdentityFile(file));
      } else {
        throw new BrokerError('ERR_USAGE', 'the passphrase is missing', { hint: 'mcp unlock' });
      }
    },
    async checkPassphrase(passphrase) {
      (await open(passphrase)).fill(0);
    },
    adopt(scalar) {
      identity?.wipe();
      identity = vault.store(scalar);
      scalar.fill(0);
      usedAt = clock.monotonic();
      cancelIdle();
      watchIdle();
    },
    lock() {
      cancelIdle();
      if (identity === undefined) return false;
      identity.wipe();
      identity = undefined;
      return true;
    },
  };
  return keyring;
}
