import { hash } from 'node:crypto';
import { BrokerError } from '../errors.ts';
import type { CallOptions } from '../provider.ts';
import { readOwnFile } from '../safe-open.ts';
import { copySecret } from '../secret-bytes.ts';
import { importScalar, NoMatch, unseal } from './age.ts';
import type { SealedFileContext } from './context.ts';
import { parseDocument } from './document.ts';
import { know, type Known } from './known.ts';
import { openOwn, type Part } from './open-own.ts';

/** Ten thousand secrets of a kilobyte each fit twice. */
export const maxFileBytes: number = 32 * 1024 * 1024;

/** What stands in the file now. */
export interface Look {
  readonly items: Known['items'];
  readonly list: Known['list'];
  /** The bytes of a part, which the caller wipes; of none, only whether the identity opens the file. */
  read(part: Part | undefined): Promise<Buffer>;
}

/** Reads the file each time, and opens and checks the whole of it each time that it is another one. */
export function createLook(context: SealedFileContext): (options: CallOptions) => Promise<Look> {
  let known: Known | undefined;
  return async ({ signal }) => {
    const sealed = readSealed(context);
    const digest = hash('sha256', sealed);
    if (known?.digest !== digest) {
      const plaintext = await unsealWhole(context, sealed);
      try {
        known = know(digest, plaintext, parseDocument(plaintext, context.file));
      } finally {
        plaintext.fill(0);
      }
    }
    signal.throwIfAborted();
    const read = async ({ from, to }: Part = { from: 0, to: 0 }): Promise<Buffer> => {
      const own = context.identity.use((scalar) => openOwn(sealed, scalar, { from, to }));
      if (own !== undefined) return own;
      const plaintext = await unsealWhole(context, sealed);
      try {
        return copySecret(plaintext.subarray(from, to));
      } finally {
        plaintext.fill(0);
      }
    };
    return { items: known.items, list: known.list, read };
  };
}

/** The whole plaintext, which the caller wipes. */
export async function openWhole(context: SealedFileContext): Promise<Buffer> {
  return unsealWhole(context, readSealed(context));
}

function readSealed({ file }: SealedFileContext): Buffer {
  const sealed = readOwnFile(file, { what: 'sealed file', maxBytes: maxFileBytes });
  if (sealed !== undefined) return sealed;
  throw new BrokerError('ERR_NO_HOME', `sealed file ${file} does not exist`, {
    hint: 'mcp init --backend sealed',
    subject: file,
  });
}

async function unsealWhole({ file, identity }: SealedFileContext, sealed: Buffer): Promise<Buffer> {
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
