import { createFile, replaceFile } from '../durable-write.ts';
import { BrokerError, toBrokerError } from '../errors.ts';
import type { CallOptions, Item, Locator, Provider } from '../provider.ts';
import { readOwnFile } from '../safe-open.ts';
import { importScalar, NoMatch, recipientOf, seal, unseal } from './age.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import {
  type ItemMembers,
  namePattern,
  parseDocument,
  type SealedDocument,
  type SealedItem,
  serializeDocument,
} from './document.ts';
import { openOwn } from './open-own.ts';
import { createTurns } from './turns.ts';
import { Secret, type SecretInfo } from '../secret.ts';

export { createIdentityFile, openIdentityFile } from './identity.ts';

/** Ten thousand secrets of a kilobyte each fit twice. */
const maxFileBytes = 32 * 1024 * 1024;

/**
 * The raw 32-byte X25519 scalar of the sealed file's identity, lent for the time of one call.
 * Throws `ERR_LOCKED` when there is none.
 */
export interface IdentitySource {
  use<T>(action: (scalar: Uint8Array) => T): T;
}

export interface SealedFileContext {
  /** Path of `secrets.age`. */
  readonly file: string;
  readonly identity: IdentitySource;
  /** Takes the lock file for this process, waiting for other holders; gives the release. */
  readonly lock: (path: string, signal: AbortSignal) => Promise<() => void>;
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number;
}

/**
 * The embedded default: one age file with all secrets (docs/sealed-file.md), encrypted to the home's
 * own identity. It is read whole for each call and kept nowhere; the daemon's cache is above it.
 */
export function createSealedFile(context: SealedFileContext): Provider {
  const { file } = context;
  const takeTurn = createTurns();

  return {
    local: true,
    locate: (name) => ({ path: name }),

    get: (locator, options) =>
      guard(options, async () => {
        const name = nameOf(locator);
        return read(context, options, ({ items }) => {
          const item = match(items, name, locator);
          return item && new Secret(decodeBase64(item.encoded), infoOf(item.members));
        });
      }),

    put: (locator, value, options) => {
      // Now and not in its turn, so that the caller may wipe the value as soon as it likes.
      const encoded = encodeBase64(value);
      return guard(options, async () => {
        const name = nameOf(locator);
        if (locator.version !== undefined) {
          throw notSupported(file, 'a version cannot be chosen', locator);
        }
        return update(({ items }) => {
          const old = items.get(name);
          if (old !== undefined && encoded.equals(old.encoded)) {
            return { result: infoOf(old.members), changed: false };
          }
          const now = new Date(context.now()).toISOString();
          const members =
            old === undefined
              ? { version: 1, created: now, updated: now }
              : { ...old.members, version: versionOf(old.members) + 1, updated: now };
          items.set(name, { encoded, members });
          return { result: infoOf(members), changed: true };
        }, options);
      }).finally(() => encoded.fill(0));
    },

    delete: (locator, options) =>
      guard(options, async () => {
        const name = nameOf(locator);
        return update(({ items }) => {
          const found = match(items, name, locator) !== undefined;
          if (found) items.delete(name);
          return { result: found, changed: found };
        }, options);
      }),

    list: (options) =>
      guard(options, () =>
        read(context, options, ({ items }) =>
          [...items]
            .map(([name, { members }]): Item => ({ name, ...infoOf(members) }))
            .sort((a, b) => (a.name < b.name ? -1 : 1)),
        ),
      ),

    check: (options) => guard(options, () => read(context, options, () => undefined)),
  };

  /** Read, change, write: one at a time in this process by the turn, among processes by the lock. */
  async function update<T>(
    edit: (document: SealedDocument) => { readonly result: T; readonly changed: boolean },
    { signal }: CallOptions,
  ): Promise<T> {
    const endTurn = await takeTurn(signal);
    try {
      const unlock = await context.lock(`${file}.lock`, signal);
      try {
        const plaintext = await open(context);
        let next: Buffer | undefined;
        try {
          const document = parseDocument(plaintext, file);
          const { result, changed } = edit(document);
          if (!changed) return result;
          next = serializeDocument(document);
          const key = context.identity.use(importScalar);
          const sealed = await seal(next, await recipientOf(key));
          if (sealed.length > maxFileBytes) throw full(file);
          await replaceFile(file, sealed, signal);
          return result;
        } finally {
          plaintext.fill(0);
          next?.fill(0);
        }
      } finally {
        unlock();
      }
    } finally {
      endTurn();
    }
  }
}

/**
 * Makes an empty `secrets.age` for the identity. `false` when there is a file already, which stays
 * as it is.
 */
export async function createSecretsFile(file: string, identity: IdentitySource): Promise<boolean> {
  const key = identity.use(importScalar);
  const empty = serializeDocument({ items: new Map(), members: {} });
  return createFile(file, await seal(empty, await recipientOf(key)));
}

/** What `action` makes of the document; it must copy what it keeps. */
async function read<T>(
  context: SealedFileContext,
  { signal }: CallOptions,
  action: (document: SealedDocument) => T,
): Promise<T> {
  const plaintext = await open(context);
  try {
    signal.throwIfAborted();
    return action(parseDocument(plaintext, context.file));
  } finally {
    plaintext.fill(0);
  }
}

async function open({ file, identity }: SealedFileContext): Promise<Buffer> {
  const sealed = readOwnFile(file, { what: 'sealed file', maxBytes: maxFileBytes });
  if (sealed === undefined) {
    throw new BrokerError('ERR_NO_HOME', `sealed file ${file} does not exist`, {
      hint: 'mcp init',
      subject: file,
    });
  }
  const plaintext = identity.use((scalar) => openOwn(sealed, scalar));
  if (plaintext !== undefined) return plaintext;
  try {
    return await unseal(sealed, identity.use(importScalar));
  } catch (error) {
    const foreign = error instanceof NoMatch;
    const problem = foreign ? 'is encrypted for another identity' : 'is damaged';
    throw new BrokerError('ERR_CORRUPT', `sealed file ${file} ${problem}`, {
      hint: `restore ${file} ${foreign ? 'or its identity ' : ''}from a backup`,
      subject: file,
    });
  }
}

function nameOf(locator: Locator): string {
  const { path, field } = locator;
  if (!namePattern.test(path)) {
    throw notSupported('the sealed file', 'a name is letters, digits and _', locator);
  }
  if (field !== undefined) throw notSupported('the sealed file', 'items have no fields', locator);
  return path;
}

/** Only the current version is kept: any other is one that the store does not have. */
function match(
  items: ReadonlyMap<string, SealedItem>,
  name: string,
  { version }: Locator,
): SealedItem | undefined {
  const item = items.get(name);
  if (item === undefined || version === undefined) return item;
  return infoOf(item.members).version === version ? item : undefined;
}

/** An item that a person wrote by hand need not say its version: then it is the first. */
function versionOf({ version = 1 }: ItemMembers): number {
  return version;
}

function infoOf(members: ItemMembers): SecretInfo {
  const { created, updated } = members;
  return {
    version: String(versionOf(members)),
    ...(created === undefined ? {} : { created }),
    ...(updated === undefined ? {} : { updated }),
  };
}

function notSupported(store: string, rule: string, { path, field, version }: Locator): BrokerError {
  const shown = [
    /^[\w./-]{1,256}$/.test(path) ? path : 'the name',
    field === undefined ? '' : `#${field}`,
    version === undefined ? '' : `@${version}`,
  ].join('');
  return new BrokerError('ERR_CONFIG', `${store} cannot hold ${shown}: ${rule}`, {
    hint: 'name it by its variable alone, such as $<sealed:GITHUB_TOKEN>',
    subject: path,
  });
}

function full(file: string): BrokerError {
  return new BrokerError('ERR_VALUE', `${file} would grow past ${maxFileBytes} bytes`, {
    hint: 'mcp secret list, then mcp secret rm NAME',
    subject: file,
  });
}

/** Lets only errors of ours out; what fails by the signal is `ERR_ABORTED`. */
async function guard<T>({ signal }: CallOptions, action: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted();
    return await action();
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    if (signal.aborted) {
      throw new BrokerError('ERR_ABORTED', 'the sealed file was not waited for', {
        hint: 'try again',
      });
    }
    throw toBrokerError(error);
  }
}
