import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeychain, createKeychainAccess, type KeychainAccess } from '@mcp-broker/providers';
import { encodeNames } from '../../packages/providers/src/keychain/names.ts';
import { keychainServices } from '../../packages/providers/src/keychain/services.ts';
import type { Keychain } from '../kit/keychain.ts';
import type { Subject } from './suite.ts';

/** The provider for a home of its own, on a keychain. */
export interface KeychainHome extends Subject {
  readonly folder: string;
  readonly access: KeychainAccess;
  /** The service names of its items. */
  readonly services: ReturnType<typeof keychainServices>;
}

export interface KeychainHomeOptions {
  readonly bus: () => string | undefined;
  readonly limitMs?: number;
  readonly idleMs?: number;
}

export function createKeychainHome(
  keychain: Pick<Keychain, 'stall'> | undefined,
  { bus, ...limits }: KeychainHomeOptions,
): KeychainHome {
  const folder = mkdtempSync(join(tmpdir(), 'keychain-home-'));
  const access = createKeychainAccess({
    sessionBus: bus,
    after: (ms, action) => {
      const timer = setTimeout(action, ms);
      return () => {
        clearTimeout(timer);
      };
    },
    ...limits,
  });
  const services = keychainServices(folder);
  const call = { signal: new AbortController().signal };
  return {
    folder,
    access,
    services,
    provider: createKeychain({
      keychain: access,
      home: folder,
      lock: () => Promise.resolve(() => undefined),
      now: () => Date.now(),
    }),
    seed: async (items) => {
      for (const [name, value] of items) await access.put(services.secrets, name, value, call);
      const names = new Map([...items.keys()].map((name) => [name, { version: 1 }]));
      await access.put(services.own, 'names', encodeNames(names), call);
    },
    ...(keychain === undefined ? {} : { stall: () => Promise.resolve(keychain.stall()) }),
    cleanup: async () => {
      access.close();
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}
