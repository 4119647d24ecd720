import { BrokerError, toBrokerError } from '../errors.ts';
import type { CallOptions, Provider } from '../provider.ts';
import { copySecret } from '../secret-bytes.ts';
import { Secret, type SecretInfo } from '../secret.ts';
import { createTurns } from '../turns.ts';
import type { KeychainAccess } from './access.ts';
import { decodeNames, encodeNames, infoOf, itemsOf, type Names, type NamesEntry } from './names.ts';
import { keychainError, notWaitedFor } from './problem.ts';
import { keychainServices } from './services.ts';
import { pathOf, versionFits } from './locator.ts';

export interface KeychainProviderContext {
  readonly keychain: KeychainAccess;
  /** Folder of the home, which the items belong to. */
  readonly home: string;
  /** Takes the lock file for this process, waiting for other holders; gives the release. */
  readonly lock: (path: string, signal: AbortSignal) => Promise<() => void>;
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number;
}

/** An item of the broker's own, which has to be unlocked to be written. */
const namesItem = 'names';
const probeItem = 'probe';

/** More than any token, and little enough for D-Bus and for the keychain's own file. */
const maxValueBytes = 2 ** 20;

/**
 * The keychain of this system: Secret Service on Linux, the login keychain on macOS, the Credential
 * Manager on Windows. A value lies there as it is, under the service name of this home.
 */
export function createKeychain(context: KeychainProviderContext): Provider {
  const { keychain: access, home, now } = context;
  const { secrets, own } = keychainServices(home);
  const takeTurn = createTurns();

  return {
    local: true,
    locate: (name) => ({ path: name }),

    // Readers take no turn: those of a keychain that hangs would wait for the time limit one after the other.
    get: (locator, options) =>
      guard(options, async () => {
        const name = pathOf(locator);
        const entry = (await readNames(options))?.get(name);
        const info = entry === undefined ? {} : infoOf(entry);
        if (!versionFits(locator, info)) return undefined;
        const bytes = await access.get(secrets, name, options);
        return bytes && new Secret(bytes, info);
      }),

    put: (locator, value, options) => {
      // Now and not in its turn, so that the caller may wipe the value as soon as it likes.
      const copy = new Secret(copySecret(value));
      return inTurn(options, async (): Promise<SecretInfo> => {
        const name = pathOf(locator, { versions: false });
        if (copy.bytes.length > maxValueBytes) throw keychainError('too-long');
        return update(options, async (names) => {
          const old = names.get(name);
          const before = await access.get(secrets, name, options);
          const isSame = before?.equals(copy.bytes) === true;
          before?.fill(0);
          if (old !== undefined && isSame) return infoOf(old);
          const at = new Date(now()).toISOString();
          const entry = {
            ...(old ?? { created: at }),
            version: (old?.version ?? 0) + 1,
            updated: at,
          };
          await unsettle(names, name, entry, options);
          await access.put(secrets, name, copy.bytes, options);
          names.set(name, entry);
          await writeNames(names, options);
          return infoOf(entry);
        });
      }).finally(() => {
        copy.wipe();
      });
    },

    delete: (locator, options) =>
      inTurn(options, async () => {
        const name = pathOf(locator);
        return update(options, async (names) => {
          const entry = names.get(name);
          if (!versionFits(locator, entry === undefined ? {} : infoOf(entry))) return false;
          if (entry === undefined) return access.delete(secrets, name, options);
          await unsettle(names, name, entry, options);
          const wasThere = await access.delete(secrets, name, options);
          names.delete(name);
          await writeNames(names, options);
          return wasThere;
        });
      }),

    list: (options) => guard(options, async () => itemsOf((await readNames(options)) ?? new Map())),

    history: (locator, options) =>
      guard(options, async () => {
        const entry = (await readNames(options))?.get(pathOf(locator));
        // The value before is overwritten with each new one.
        return entry === undefined ? [] : [infoOf(entry)];
      }),

    check: (options) =>
      guard(options, async () => {
        // What is not there can be told of a locked keychain too.
        if ((await access.get(own, namesItem, options)) === undefined) await probe(options);
      }),
  };

  /** `undefined`: there is no item with the names, and no value whose name could stand there. */
  async function readNames(options: CallOptions): Promise<Names | undefined> {
    const bytes = await access.get(own, namesItem, options);
    const names = bytes && decodeNames(bytes);
    if (names === undefined) {
      const found = await access.names(secrets, options);
      if (found.length === 0 && bytes === undefined) return undefined;
      return new Map(found.map((name) => [name, {}]));
    }
    for (const [name, { unsettled, ...entry }] of names) {
      if (unsettled === undefined) continue;
      const value = await access.get(secrets, name, options);
      value?.fill(0);
      if (value === undefined) names.delete(name);
      else names.set(name, entry);
    }
    return names;
  }

  /** Read, change, write: one at a time in this process by the turn, among processes by the lock. */
  async function update<T>(options: CallOptions, edit: (names: Names) => Promise<T>): Promise<T> {
    const unlock = await context.lock(`${home}/keychain.lock`, options.signal);
    try {
      let names = await readNames(options);
      if (names === undefined) {
        // A locked keychain may not say what it holds: it is made to unlock before we believe it.
        await probe(options);
        names = await readNames(options);
      }
      return await edit(names ?? new Map());
    } finally {
      unlock();
    }
  }

  /** The names say that something happens to this one before it does. */
  async function unsettle(
    names: Names,
    name: string,
    entry: NamesEntry,
    options: CallOptions,
  ): Promise<void> {
    names.set(name, { ...entry, unsettled: true });
    await writeNames(names, options);
  }

  async function writeNames(names: Names, options: CallOptions): Promise<void> {
    await access.put(own, namesItem, encodeNames(names), options);
  }

  async function probe(options: CallOptions): Promise<void> {
    await access.put(own, probeItem, Buffer.from('mcp-broker'), options);
  }

  async function inTurn<T>(options: CallOptions, action: () => Promise<T>): Promise<T> {
    return guard(options, async () => {
      const endTurn = await takeTurn(options.signal);
      try {
        return await action();
      } finally {
        endTurn();
      }
    });
  }
}

/** Lets only errors of ours out; what fails by the signal is `ERR_ABORTED`. */
async function guard<T>({ signal }: CallOptions, action: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted();
    return await action();
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    if (signal.aborted) throw notWaitedFor();
    throw toBrokerError(error);
  }
}
