import { createHmac, randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { BrokerError, readOwnFile, replaceFile } from '@mcp-broker/providers';
import type { Clock } from '../clock.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { OwnItems } from '../keys/own-items.ts';
import type { Paths } from '../paths.ts';
import type { Grant } from './grant.ts';
import { parseGrants, serializeGrants } from './grants-document.ts';

const maxFileBytes = 64 * 1024 * 1024;

/**
 * Why a grants file counts for nothing. `edited`: its MAC does not fit, or was made with another identity.
 * `older`: a newer one was written. `foreign`: it is of another home or environment. `insecure`: its mode,
 * owner or kind. `unreadable`: its format, or its size.
 */
export type Refusal = 'edited' | 'older' | 'foreign' | 'insecure' | 'unreadable';

export type Reading =
  | { readonly grants: readonly Grant[] }
  /** It has been set aside. */
  | { readonly refusal: Refusal; readonly problem: BrokerError }
  /** It could not be judged, and stays where it is. */
  | { readonly problem: BrokerError };

/** The grants of one environment on the disk (docs/grants.md). One call at a time. */
export interface GrantsFile {
  /** Throws `ERR_LOCKED` alone. */
  read(): Promise<Reading>;
  /**
   * Puts these in the place of those that are there. When it throws, the old ones are, unless
   * `failure` says that the new ones stay wherever that can be.
   */
  write(grants: readonly Grant[], failure: 'back to the old' | 'keep the new'): Promise<void>;
}

export interface GrantsFileOptions {
  readonly paths: Pick<Paths, 'home' | 'state' | 'grants'>;
  readonly clock: Clock;
  readonly keyring: Pick<Keyring, 'derive'>;
  readonly own: OwnItems;
}

/** What is kept where the file is not: which environment it is of, and the newest generation. */
interface Kept {
  readonly id: string;
  readonly generation: number;
}

export function createGrantsFile(options: GrantsFileOptions): GrantsFile {
  const { clock, keyring, own } = options;
  const { home, state, grants: path } = options.paths;
  const item = state === home ? 'grants' : `grants_${basename(state)}`;
  /** Also of a write that failed: what it may have left somewhere is older than the next. */
  let attempted = 0;

  const getKept = async (): Promise<Kept | undefined> => {
    const bytes = await own.get(item);
    return bytes && parseKept(bytes, own.where);
  };
  const keep = (kept: Kept): Promise<void> => own.put(item, Buffer.from(JSON.stringify(kept)));

  const judge = async (bytes: Buffer): Promise<keyof typeof reasons | readonly Grant[]> => {
    const document = parseGrants(bytes, (body) => macOf(keyring, body));
    if (typeof document === 'string') return document;
    const kept = await getKept();
    if (kept?.id !== document.id) return 'foreign';
    if (document.generation < kept.generation) return 'older';
    // Killed between the file and this: the file is what was decided.
    if (document.generation > kept.generation) await keep(document);
    return document.grants;
  };

  const refuse = (refusal: Refusal, found: string, code: BrokerError['code']): Reading => {
    const message = `grants file ${path} ${found}, so it grants nothing`;
    try {
      const aside = setAside(path, clock.now());
      const hint = `start your servers and approve them again; what was there is now ${aside}`;
      return { refusal, problem: new BrokerError(code, message, { hint, subject: path }) };
    } catch (cause) {
      const hint = `mv ${path} ${path}.refused`;
      return { problem: new BrokerError(code, message, { hint, subject: path, cause }) };
    }
  };

  return {
    async read() {
      // Before anything else: locked is locked, with a file or without.
      keyring.derive('grants/v1').fill(0);
      let bytes: Buffer | undefined;
      try {
        bytes = readOwnFile(path, { what: 'grants file', maxBytes: maxFileBytes });
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        const found = error.message.replace(`grants file ${path} `, '');
        if (error.code === 'ERR_INSECURE_FILE') return refuse('insecure', found, error.code);
        // With a cause it is the system that could not: the file may be as it should.
        return error.cause === undefined
          ? refuse('unreadable', found, error.code)
          : { problem: error };
      }
      if (bytes === undefined) return { grants: [] };
      try {
        const judged = await judge(bytes);
        return typeof judged === 'string'
          ? refuse(judged, reasons[judged], 'ERR_CORRUPT')
          : { grants: judged };
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code === 'ERR_LOCKED') throw error;
        return { problem: error };
      }
    },

    async write(grants, failure) {
      let kept = await getKept();
      if (kept === undefined) {
        kept = { id: randomBytes(16).toString('hex'), generation: 0 };
        // First of all: a file whose environment is known nowhere would be another's.
        await keep(kept);
      }
      attempted = Math.max(kept.generation, attempted) + 1;
      const next = { id: kept.id, generation: attempted };
      const bytes = serializeGrants({ ...next, grants }, (body) => macOf(keyring, body));
      if (bytes.length > maxFileBytes) throw full(path);
      await swap(path, bytes, () => keep(next), failure);
    },
  };
}

function macOf(keyring: Pick<Keyring, 'derive'>, body: Uint8Array): Buffer {
  const key = keyring.derive('grants/v1');
  try {
    return createHmac('sha256', key).update(body).digest();
  } finally {
    key.fill(0);
  }
}

/** Replaces the file, then confirms it elsewhere. What fails leaves the old file, by a link to it. */
async function swap(
  path: string,
  bytes: Buffer,
  confirm: () => Promise<void>,
  failure: 'back to the old' | 'keep the new',
): Promise<void> {
  const previous = `${path}.previous`;
  remove(previous);
  const isThere = link(path, previous);
  let isReplaced = false;
  try {
    await replaceFile(path, bytes, new AbortController().signal);
    isReplaced = true;
    await confirm();
  } catch (error) {
    if (!isReplaced || failure === 'back to the old') {
      if (isThere) renameSync(previous, path);
      else remove(path);
    }
    throw error;
  } finally {
    remove(previous);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The next write meets it, and says so.
  }
}

/** False when there is nothing to link to. */
function link(path: string, as: string): boolean {
  try {
    linkSync(path, as);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new BrokerError('ERR_BACKEND_UNAVAILABLE', `${as} cannot be made`, {
      hint: `ls -ld ${path}`,
      subject: path,
      cause: error,
    });
  }
}

/** Gives the name it has now. A file that was set aside before is not touched. */
function setAside(path: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/gu, '');
  for (let nth = 1; ; nth += 1) {
    const aside = `${path}.refused-${time}${nth === 1 ? '' : `-${nth}`}`;
    if (lstatSync(aside, { throwIfNoEntry: false }) !== undefined) continue;
    renameSync(path, aside);
    return aside;
  }
}

const reasons = {
  edited: 'is not as this home wrote it',
  older: 'is older than the last one that was written',
  foreign: 'is of another home or environment',
  unreadable: 'is not in its format',
} as const;

function parseKept(bytes: Buffer, where: string): Kept {
  try {
    const { id, generation } = JSON.parse(bytes.toString()) as Partial<Kept>;
    if (typeof id === 'string' && Number.isSafeInteger(generation)) {
      return { id, generation: Number(generation) };
    }
  } catch {
    // As any other content that is not ours.
  }
  throw new BrokerError('ERR_CORRUPT', 'what is kept of the grants file is not in its format', {
    hint: `restore ${where} from a backup`,
  });
}

function full(path: string): BrokerError {
  return new BrokerError('ERR_VALUE', `${path} would grow past ${maxFileBytes} bytes`, {
    hint: 'mcp approvals list, then mcp approvals revoke ID',
    subject: path,
  });
}
