import type { KeychainItems } from './keychain-home.ts';
export interface X {
  readonly sessionBus: () => string | undefined;
  readonly after: (ms: number, action: () => void) => () => void;
}
export function createKeychainItems(_context: X): KeychainItems {
  throw new Error('not yet');
}
