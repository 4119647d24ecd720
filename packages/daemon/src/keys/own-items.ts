import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { createSealedFile, createSecretsFile, type SealedFileContext } from '@mcp-broker/providers';
import { copySecret } from '@mcp-broker/providers/secret-bytes';

const deadlineMs = 10_000;

/**
 * The broker's own items, sealed like the secrets in a file of their own: no locator leads there, and no
 * list shows them. Names are letters, digits and `_`.
 */
export interface OwnItems {
  /** What holds them, for messages. */
  readonly where: string;
  /** In memory of its own, which the caller wipes. `undefined` when there is none. Throws `ERR_LOCKED`. */
  get(name: string): Promise<Buffer | undefined>;
  /** On the disk before it resolves; makes the file on first use. Throws `ERR_LOCKED`. */
  put(name: string, bytes: Uint8Array): Promise<void>;
}

export interface OwnItemsOptions extends SealedFileContext {
  /** Calls once after so many milliseconds, and gives the cancel. */
  readonly after: (ms: number, action: () => void) => () => void;
}

export function createOwnItems(options: OwnItemsOptions): OwnItems {
  const { file, identity } = options;
  const sealed = createSealedFile(options);

  /** Another daemon of this home may hold the lock: not for ever. */
  const within = async <T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const deadline = new AbortController();
    const cancel = options.after(deadlineMs, () => {
      deadline.abort();
    });
    try {
      return await action(deadline.signal);
    } finally {
      cancel();
    }
  };

  return {
    where: basename(file),
    async get(name) {
      // Nothing is asked of the identity while there is no file: but locked is locked.
      identity.use(() => undefined);
      if (!existsSync(file)) return undefined;
      const secret = await within((signal) => sealed.get({ path: name }, { signal }));
      if (secret === undefined) return undefined;
      try {
        return copySecret(secret.bytes);
      } finally {
        secret.wipe();
      }
    },
    async put(name, bytes) {
      await within(async (signal) => {
        if (!existsSync(file)) await createSecretsFile(file, identity);
        await sealed.put?.({ path: name }, bytes, { signal });
      });
    },
  };
}
