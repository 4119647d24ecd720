import {
  createKeychain,
  createKeychainAccess,
  keychainProblemOf,
  toBrokerError,
  type BrokerError,
  type KeychainProblem,
} from '@mcp-broker/providers';
import { systemClock } from '../clock.ts';
import { findSessionBus } from '../session-bus.ts';

export { keychainProblemOf, type KeychainProblem };

/** A dialog may be open that nobody sees. */
const limitMs = 10_000;

/** What keeps a daemon that is started from here from using the keychain; undefined: nothing. */
export async function checkKeychain(
  home: string,
  configuredBus: string | undefined,
): Promise<BrokerError | undefined> {
  const access = createKeychainAccess({
    sessionBus: () => findSessionBus(configuredBus),
    after: (ms, action) => systemClock.after(ms, action),
    limitMs,
  });
  try {
    const provider = createKeychain({
      keychain: access,
      home,
      lock: async () => () => undefined,
      now: () => systemClock.now(),
    });
    await provider.check?.({ signal: new AbortController().signal });
    return undefined;
  } catch (error) {
    return toBrokerError(error);
  } finally {
    access.close();
  }
}
