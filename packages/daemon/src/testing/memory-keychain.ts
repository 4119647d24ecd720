import { BrokerError, type KeychainOwnItems } from '@mcp-broker/providers';
import { copySecret } from '@mcp-broker/providers/secret-bytes';

/** The own part of a keychain, in memory, for tests. */
export interface MemoryKeychain extends KeychainOwnItems {
  readonly items: Map<string, Buffer>;
  /** What each call throws, or does besides. */
  meet: (call: 'get' | 'put' | 'delete', name: string) => Promise<void> | void;
}

export const lockedKeychain: BrokerError = new BrokerError('ERR_LOCKED', 'the keychain is locked', {
  hint: 'unlock it',
});

export const noKeychain: BrokerError = new BrokerError(
  'ERR_BACKEND_UNAVAILABLE',
  'there is no session bus, and so no keychain',
  { hint: 'mcp secret set NAME --backend sealed' },
);

export function memoryKeychain(): MemoryKeychain {
  const items = new Map<string, Buffer>();
  const keychain: MemoryKeychain = {
    items,
    meet: () => undefined,
    async get(name) {
      await keychain.meet('get', name);
      const found = items.get(name);
      return found && copySecret(found);
    },
    async put(name, bytes) {
      await keychain.meet('put', name);
      items.set(name, Buffer.from(bytes));
    },
    async delete(name) {
      await keychain.meet('delete', name);
      return items.delete(name);
    },
  };
  return keychain;
}
