import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BrokerError } from './errors.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/**
 * Puts the bytes in the place of a file, 0600, so that a crash at any moment leaves the old file or
 * the new one, whole, and what has resolved survives a power cut: written beside, synced, renamed,
 * folder synced. The caller holds the file's lock; what killed writers left beside it is removed.
 * Aborted before the rename, or refused by `check` directly before it, it changes nothing.
 * `ERR_BACKEND_UNAVAILABLE` names the path and errno.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  signal: AbortSignal,
  check?: () => void,
): Promise<void> {
  await attempt(path, async () => {
    await removeLeftovers(path);
    const temporary = await writeBeside(path, bytes);
    try {
      signal.throwIfAborted();
      check?.();
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(path));
  });
}

/** The same for a file that must not be there yet. `false` when it is: then nothing has changed. */
export async function createFile(path: string, bytes: Uint8Array): Promise<boolean> {
  return attempt(path, async () => {
    const temporary = await writeBeside(path, bytes);
    try {
      // A link, other than a rename, does not replace what another process has put there meanwhile.
      await link(temporary, path);
    } catch (error) {
      // ENOENT: the one who came first has cleaned up behind us.
      if (['EEXIST', 'ENOENT'].includes(errnoOf(error))) return false;
      throw error;
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
    await removeLeftovers(path);
    await syncFolder(dirname(path));
    return true;
  });
}

async function writeBeside(path: string, bytes: Uint8Array): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  return temporary;
}

async function removeLeftovers(path: string): Promise<void> {
  const start = `.${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(start)) continue;
    if (!/^[0-9a-f]{16}\.tmp$/.test(name.slice(start.length))) continue;
    await unlink(join(dirname(path), name)).catch(() => undefined);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY | O_DIRECTORY);
  try {
    await folder.sync();
  } catch (error) {
    // Some file systems cannot sync a folder; none of them could do better.
    if (!['EINVAL', 'ENOTSUP'].includes(errnoOf(error))) throw error;
  } finally {
    await folder.close();
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const errno = errnoOf(error);
    // An abort, and what is not the system's answer, is for the caller to judge.
    if (!/^E[A-Z0-9]+$/.test(errno)) throw error;
    throw new BrokerError('ERR_BACKEND_UNAVAILABLE', `${path} cannot be written: ${errno}`, {
      hint:
        errno === 'ENOSPC' || errno === 'EDQUOT'
          ? `df ${dirname(path)}`
          : `ls -ld ${dirname(path)}`,
      subject: path,
      retryable: errno === 'ENOSPC' || errno === 'EDQUOT',
    });
  }
}

function errnoOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
