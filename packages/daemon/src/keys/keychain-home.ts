import { randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import {
  BrokerError,
  readOwnFile,
  toBrokerError,
  type KeychainOwnItems,
} from '@mcp-broker/providers';
import { secretBytes } from '@mcp-broker/providers/secret-bytes';
import { writeNew } from '../config/write.ts';
import type { OwnItems } from './own-items.ts';
import type { Paths } from '../paths.ts';

/** A home whose keys come from the keychain of this system: a random key of its own, made by `mcp init`. */
export interface KeychainHome {
  readonly isThere: boolean;
  /**
   * The key, which the caller wipes. Throws as the keychain does, and `ERR_NO_HOME` when the key is gone.
   */
  read(): Promise<Buffer>;
  /**
   * Tries the keychain with an item that is removed again, then makes this home one on the keychain. Gives
   * the new key; `undefined` when there is one already. In place of a key that is gone it makes another.
   */
  create(): Promise<Buffer | undefined>;
  /** What the daemon keeps for this home. Whoever calls sees that the home is open. */
  readonly own: OwnItems;
  /** A person locked it: it stays so, also for the next daemon, until a person unlocks it. */
  shut(): void;
  unshut(): void;
  readonly isShut: boolean;
  /** Why it is closed, and what to do. */
  closed(): BrokerError;
}

export interface KeychainHomeOptions {
  readonly paths: Pick<Paths, 'keychain' | 'shut'>;
  /** Of this home, by its real path: one that is copied elsewhere has others. */
  readonly items: KeychainOwnItems;
}

const keyBytes = 32;
const where = 'the keychain';

/** Throws when the file that says so is damaged, or not the user's alone. */
export function createKeychainHome({ paths, items }: KeychainHomeOptions): KeychainHome {
  let id = readMarker(paths.keychain);
  let problem: BrokerError | undefined;
  let isShut = existsSync(paths.shut);

  const itemOf = (name: string): string => {
    if (id === undefined) throw new Error('this home is not on the keychain');
    return `home_${id}_${name}`;
  };

  const readKey = async (): Promise<Buffer | undefined> => {
    const key = await items.get(itemOf('key'));
    if (key === undefined || key.length === keyBytes) return key;
    key.fill(0);
    throw new BrokerError('ERR_CORRUPT', 'the key of this home in the keychain is damaged', {
      hint: newKey,
    });
  };

  const makeKey = async (): Promise<Buffer> => {
    const key = randomFillSync(secretBytes(keyBytes));
    try {
      await put(items, itemOf('key'), key);
      return key;
    } catch (error) {
      key.fill(0);
      throw error;
    }
  };

  return {
    get isThere() {
      return id !== undefined;
    },
    async read() {
      try {
        const key = await readKey();
        if (key === undefined) {
          const message = 'the key of this home is gone from the keychain';
          throw new BrokerError('ERR_NO_HOME', message, { hint: newKey });
        }
        problem = undefined;
        return key;
      } catch (error) {
        problem = ofThisHome(toBrokerError(error));
        throw problem;
      }
    },
    async create() {
      if (isShut) throw shutByAPerson();
      await probe(items);
      if (id === undefined) {
        id = randomBytes(16).toString('hex');
        try {
          const key = await makeKey();
          writeMarker(paths.keychain, id);
          return key;
        } catch (error) {
          await items.delete(itemOf('key')).catch(() => undefined);
          id = undefined;
          throw error;
        }
      }
      const key = await readKey().catch((error: unknown) => {
        if (toBrokerError(error).code === 'ERR_CORRUPT') return undefined;
        throw error;
      });
      key?.fill(0);
      // An init that failed, and had not started this daemon, took the file away: the next daemon needs it.
      if (!existsSync(paths.keychain)) writeMarker(paths.keychain, id);
      return key === undefined ? makeKey() : undefined;
    },
    own: {
      where,
      get: async (name) => items.get(itemOf(name)),
      put: async (name, bytes) => items.put(itemOf(name), bytes),
    },
    shut() {
      isShut = true;
      try {
        writeNew(paths.shut, '');
      } catch {
        // The next daemon opens it again; this one does not.
      }
    },
    unshut() {
      isShut = false;
      rmSync(paths.shut, { force: true });
    },
    get isShut() {
      return isShut;
    },
    closed: () => (isShut ? shutByAPerson() : (problem ?? notOpened())),
  };
}

/** Writes an item and reads it back: some keychains take what they do not keep. */
async function put(items: KeychainOwnItems, name: string, bytes: Uint8Array): Promise<void> {
  await items.put(name, bytes);
  const kept = await items.get(name);
  const isKept = kept !== undefined && kept.length === bytes.length && timingSafeEqual(kept, bytes);
  kept?.fill(0);
  if (isKept) return;
  throw new BrokerError('ERR_BACKEND_UNAVAILABLE', 'the keychain does not keep what it is given', {
    hint: 'mcp init --backend sealed',
  });
}

async function probe(items: KeychainOwnItems): Promise<void> {
  const name = `probe_${randomBytes(8).toString('hex')}`;
  try {
    await put(items, name, Buffer.from(name));
  } finally {
    await items.delete(name).catch(() => false);
  }
}

interface Marker {
  readonly version: 1;
  readonly id: string;
}

function readMarker(path: string): string | undefined {
  const bytes = readOwnFile(path, { what: 'file', maxBytes: 4096 });
  if (bytes === undefined) return undefined;
  try {
    const { version, id } = JSON.parse(bytes.toString()) as Partial<Marker>;
    if (version === 1 && typeof id === 'string' && /^[0-9a-f]{32}$/.test(id)) return id;
  } catch {
    // As any other content that is not ours.
  }
  throw new BrokerError('ERR_CORRUPT', `${path} is not in its format`, {
    hint: `put it back from a backup; or: rm ${path}, then mcp init`,
    subject: path,
  });
}

function writeMarker(path: string, id: string): void {
  const marker: Marker = { version: 1, id };
  if (writeNew(path, `${JSON.stringify(marker)}\n`)) return;
  throw new BrokerError('ERR_USAGE', `${path} is there already`, {
    hint: 'mcp daemon restart, then mcp init',
    subject: path,
  });
}

const newKey =
  'restore the keychain; or mcp init, which makes another key: every approval is asked for again';

function shutByAPerson(): BrokerError {
  return new BrokerError('ERR_LOCKED', 'this home is locked', { hint: 'mcp unlock' });
}

function notOpened(): BrokerError {
  return new BrokerError('ERR_LOCKED', 'this home is locked: its key is in the keychain', {
    hint: 'mcp unlock',
  });
}

/** The keychain's own hint is for a variable that could lie elsewhere. */
function ofThisHome(error: BrokerError): BrokerError {
  const { code, message, retryable } = error;
  if (code !== 'ERR_BACKEND_UNAVAILABLE') return error;
  return new BrokerError(code, `the key of this home cannot be had: ${message}`, {
    hint: 'log in where the keychain is, or name its bus in settings.session_bus of config.yaml; then: mcp unlock',
    retryable,
    cause: error,
  });
}
