import type { KeychainHome } from './keychain-home.ts';
import { unlocking, type Asker, type Unlocked } from './unlocking.ts';

/** Opens a home on the keychain, which asks no person for a passphrase. */
export interface Opening {
  /**
   * Asks the keychain, once for all that wait for it; does nothing while the home is open, and in a home
   * on the sealed file. Throws what `KeychainHome.read` does.
   */
  open(by?: Asker): Promise<void>;
  /** An attempt that is under way; it never rejects. */
  readonly underWay: Promise<void> | undefined;
}

export function createOpening(
  parts: Unlocked & { readonly keychain: KeychainHome },
  /** A key was read: what is opened with it, such as a sealed file that a file opens. */
  onOpened: () => Promise<void>,
): Opening {
  const { keyring, keychain } = parts;
  let opening: Promise<void> | undefined;

  const attempt = async (by: Asker = { pid: process.pid }): Promise<void> => {
    await unlocking(parts, { backend: 'keychain', ...by }, () => keyring.open());
    await onOpened();
    // Locked meanwhile: who waits for this must not go on.
    if (!keyring.unlocked) throw keyring.closed();
  };

  return {
    open(by) {
      if (keyring.source === 'sealed' || keyring.unlocked) return Promise.resolve();
      // A person will, and the audit need not say each time that nobody has.
      if (keychain.isShut) return Promise.reject(keychain.closed());
      opening ??= attempt(by).finally(() => {
        opening = undefined;
      });
      return opening;
    },
    get underWay() {
      return opening?.catch(() => undefined);
    },
  };
}
