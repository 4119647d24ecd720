import { createFile, replaceFile } from '../durable-write.ts';
import { BrokerError, toBrokerError } from '../errors.ts';
import type { CallOptions, Locator, Provider } from '../provider.ts';
import { importScalar, recipientOf, seal } from './age.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { namePattern, parseDocument, type SealedDocument, serializeDocument } from './document.ts';
import type { IdentitySource, SealedFileContext } from './context.ts';
import { infoOf, versionOf, type KnownItem } from './known.ts';
import { createLook, maxFileBytes, openWhole } from './reading.ts';
import { createTurns } from '../turns.ts';
import { Secret } from '../secret.ts';

export type { IdentitySource, SealedFileContext } from './context.ts';
export { createIdentityFile, openIdentityFile } from './identity.ts';

/**
 * The embedded default: one age file with all secrets (docs/sealed-file.md), encrypted to the home's
 * own identity. No value of it is kept: the daemon's cache is above it. Names, and where each value stands,
 * are, so that no more is opened for a value than the piece of the file that it lies in.
 */
export function createSealedFile(context: SealedFileContext): Provider {
  const { file } = context;
  const takeTurn = createTurns();
  const look = createLook(context);

  return {
    local: true,
    locate: (name) => ({ path: name }),

    get: (locator, options) =>
      guard(options, async () => {
        const name = nameOf(locator);
        const { items, read } = await look(options);
        const found = match(items, name, locator);
        const encoded = await read(found?.part);
        try {
          if (found === undefined) return undefined;
          const { name: _name, ...info } = found.item;
          return new Secret(decodeBase64(encoded), info);
        } finally {
          encoded.fill(0);
        }
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
          const old = items.get(name);
          const { version } = locator;
          const found =
            old !== undefined && (version === undefined || infoOf(old.members).version === version);
          if (found) items.delete(name);
          return { result: found, changed: found };
        }, options);
      }),

    list: (options) =>
      guard(options, async () => {
        const { list, read } = await look(options);
        await read(undefined);
        return list;
      }),

    history: (locator, options) =>
      guard(options, async () => {
        const name = nameOf(locator);
        const { items, read } = await look(options);
        await read(undefined);
        const found = items.get(name);
        if (found === undefined) return [];
        // The value before is overwritten with each new one.
        const { name: _name, ...info } = found.item;
        return [info];
      }),

    check: (options) =>
      guard(options, async () => {
        const plaintext = await openWhole(context);
        try {
          parseDocument(plaintext, file);
        } finally {
          plaintext.fill(0);
        }
      }),
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
        const plaintext = await openWhole(context);
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
  items: ReadonlyMap<string, KnownItem>,
  name: string,
  { version }: Locator,
): KnownItem | undefined {
  const found = items.get(name);
  if (found === undefined || version === undefined) return found;
  return found.item.version === version ? found : undefined;
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
