import {
  createKeychainAccess,
  createKeychainOwnItems,
  toBrokerError,
  type IdentitySource,
  type ProviderContext,
  type ToolContext,
} from '@mcp-broker/providers';
import type { Clock } from '../clock.ts';
import { fileLock } from '../file-lock.ts';
import { createKeychainHome, type KeychainHome } from './keychain-home.ts';
import { createKeyring, type Keyring, type KeyringOptions, type KeySource } from './keyring.ts';
import { createOwnItems, type OwnItems } from './own-items.ts';
import type { Paths } from '../paths.ts';
import type { Platform } from '../platform/platform.ts';
import { createSealedBinding, type SealedBinding } from './sealed-binding.ts';

/** Of every backend the same. */
type StoreContext = Omit<ProviderContext, keyof ToolContext>;

/** What opens a home, and what is kept beside its keys. */
export interface HomeKeys {
  readonly keychain: KeychainHome;
  readonly keyring: Keyring;
  readonly own: OwnItems;
  readonly binding: SealedBinding;
  /** What the stores of this machine are opened with. */
  readonly context: StoreContext;
  /**
   * In a home on the keychain: opens a sealed file that has an identity file. That is one store among
   * others, and what is wrong with it stops nothing else.
   */
  openIdentity(): Promise<void>;
  /** Ends what talks to the keychain. */
  close(): void;
}

export interface HomeKeysOptions extends Omit<KeyringOptions, 'keychain' | 'sealed' | 'onLock'> {
  readonly paths: Paths;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly sessionBus: () => string | undefined;
  readonly report: (line: string) => void;
}

/** Throws when the home is on the keychain and its file is damaged. */
export function createHomeKeys(options: HomeKeysOptions): HomeKeys {
  const { paths, platform, clock, sessionBus, report } = options;
  const after = (ms: number, action: () => void): (() => void) => clock.after(ms, action);
  const access = createKeychainAccess({ sessionBus, after });
  const items = createKeychainOwnItems(access, paths.home);
  const keychain = createKeychainHome({ paths, items });
  const keyring = createKeyring({
    ...options,
    keychain,
    sealed: paths.identity,
    // The process that talks to the keychain has had the home's key, and may have a value on its way.
    onLock: () => {
      access.close();
    },
  });
  const context: StoreContext = {
    identity: keyring,
    lock: (path, signal) => fileLock(path, signal, platform, clock),
    now: () => clock.now(),
    file: paths.secrets,
    home: paths.home,
    keychain: access,
  };
  const ownSealed = (identity: IdentitySource): OwnItems =>
    createOwnItems({ ...context, identity, file: paths.own, after });
  const binding = createSealedBinding({ keyring, paths, items: ownSealed });

  return {
    keychain,
    keyring,
    binding,
    context,
    own: itemsOf(keyring, { sealed: ownSealed(keyring), keychain: keychain.own }),
    async openIdentity() {
      if (!keyring.hasIdentityFile || keyring.isSealedOpen) return;
      try {
        const { signal } = new AbortController();
        await keyring.unlock(undefined, signal, (scalar) => binding.check(scalar));
      } catch (error) {
        report(`sealed file: ${toBrokerError(error).message}`);
      }
    },
    close: () => {
      access.close();
    },
  };
}

/** Those of the home, wherever its keys come from: the two go together. */
function itemsOf(
  keyring: Pick<Keyring, 'source' | 'unlocked' | 'closed'>,
  items: Readonly<Record<KeySource, OwnItems>>,
): OwnItems {
  const current = (): OwnItems => items[keyring.source];
  const open = async (): Promise<OwnItems> => {
    if (!keyring.unlocked) throw keyring.closed();
    return current();
  };
  return {
    get where() {
      return current().where;
    },
    get: async (name) => (await open()).get(name),
    put: async (name, bytes) => (await open()).put(name, bytes),
  };
}
