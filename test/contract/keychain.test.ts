import { describe } from 'vitest';
import { keychainNeeds, startKeychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';
import { createKeychainHome, type KeychainHome } from './keychain-home.ts';
import { checkContract, type Subject } from './suite.ts';

/** A keychain of its own for each: what is in it and who waits for it is nobody else's. */
async function onKeychain(
  spoil: (
    home: KeychainHome,
    keychain: Awaited<ReturnType<typeof startKeychain>>,
  ) => unknown = () => undefined,
): Promise<Subject> {
  const keychain = await startKeychain();
  const home = createKeychainHome(keychain, { bus: () => keychain.bus });
  await spoil(home, keychain);
  return {
    ...home,
    cleanup: async () => {
      await home.cleanup();
      await keychain.remove();
    },
  };
}

describe.skipIf(lacks(...keychainNeeds))('on a gnome-keyring', () => {
  checkContract({
    name: 'the keychain',
    create: () => onKeychain(),
    capabilities: {
      methods: ['put', 'delete', 'list', 'history', 'check'],
      values: ['empty', 'binary', '64 KiB'],
      versions: true,
      listed: [0, 1, 1000],
    },
    faults: {
      'a locked keychain': {
        code: 'ERR_LOCKED',
        create: () =>
          onKeychain(async (home, keychain) => {
            await home.seed?.(new Map([['CANARY', Buffer.from('x')]]));
            keychain.lock();
          }),
      },
      'a keychain whose daemon was killed': {
        code: 'ERR_BACKEND_UNAVAILABLE',
        create: () =>
          onKeychain(async (home, keychain) => {
            await home.seed?.(new Map([['CANARY', Buffer.from('x')]]));
            await keychain.kill();
          }),
      },
      'a bus without a keychain': {
        code: 'ERR_BACKEND_UNAVAILABLE',
        create: async () => {
          const keychain = await startKeychain({ keyring: false });
          const home = createKeychainHome(undefined, { bus: () => keychain.bus });
          return {
            ...home,
            cleanup: async () => {
              await home.cleanup();
              await keychain.remove();
            },
          };
        },
      },
      'no bus': {
        code: 'ERR_BACKEND_UNAVAILABLE',
        create: () => Promise.resolve(createKeychainHome(undefined, { bus: () => undefined })),
      },
      'a bus that has gone': {
        code: 'ERR_BACKEND_UNAVAILABLE',
        create: () =>
          Promise.resolve(
            createKeychainHome(undefined, { bus: () => 'unix:path=/nonexistent/bus' }),
          ),
      },
    },
  });
});
