import { BrokerError, openIdentityFile, type IdentitySource } from '@mcp-broker/providers';
import type { Clock } from './clock.ts';
import type { Slice, Vault } from './memory.ts';

/** Holds the sealed file's identity in locked memory, from unlock until lock, idle time-out or stop. */
export interface Keyring extends IdentitySource {
  readonly unlocked: boolean;
  /** Opens the identity with a passphrase; without one, the identity file of the config. */
  unlock(passphrase?: Uint8Array): Promise<void>;
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
      if (passphrase === undefined && file === undefined) {
        throw new BrokerError('ERR_USAGE', 'the passphrase is missing', { hint: 'mcp unlock' });
      }
      const scalar =
        passphrase === undefined && file !== undefined
          ? await openIdentityFile(file)
          : await openIdentityFile(options.sealed, passphrase);
      keyring.adopt(scalar);
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
