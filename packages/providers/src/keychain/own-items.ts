import type { KeychainAccess } from './access.ts';
import { keychainServices } from './services.ts';

/**
 * The broker's own items (MAC keys, logins) in the keychain, under a service name of their own: no
 * locator leads there, and no list shows them. The access limits the time that each call takes.
 */
export interface KeychainOwnItems {
  /** In memory of its own, which the caller wipes. `undefined` when there is none. */
  get(name: string): Promise<Buffer | undefined>;
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** `false` when there was nothing to delete. */
  delete(name: string): Promise<boolean>;
}

/** `home` is the home's folder. Throws as the access does: `ERR_LOCKED`, `ERR_BACKEND_UNAVAILABLE`. */
export function createKeychainOwnItems(access: KeychainAccess, home: string): KeychainOwnItems {
  const { own } = keychainServices(home);
  // Nobody calls these off; the time limit ends them.
  const { signal } = new AbortController();
  return {
    get: (name) => access.get(own, name, { signal }),
    put: (name, bytes) => access.put(own, name, bytes, { signal }),
    delete: (name) => access.delete(own, name, { signal }),
  };
}
