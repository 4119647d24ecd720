import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from './clock.ts';
import type { Platform } from './platform/platform.ts';

const mode = 0o600;
const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Takes the lock if nobody holds it, and may leave in it who does; the kernel gives it back when the process ends, however it ends.
 * Throws `ERR_INSECURE_FILE` when something else than a file of ours is in its place.
 */
export function tryFileLock(
  path: string,
  platform: Platform,
  holder?: string,
): (() => void) | undefined {
  const fd = openLock(path);
  if (platform.tryLock(fd)) {
    if (holder !== undefined) {
      ftruncateSync(fd);
      writeSync(fd, holder);
    }
    return () => {
      closeSync(fd);
    };
  }
  closeSync(fd);
  return undefined;
}

function openLock(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, flags, mode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw ['ELOOP', 'EISDIR', 'EACCES', 'EPERM', 'ENXIO'].includes(code)
      ? insecure(path, error)
      : error;
  }
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.uid === process.geteuid?.()) return fd;
  closeSync(fd);
  throw insecure(path);
}

function insecure(path: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_INSECURE_FILE', `the lock ${path} is not a file of this user's`, {
    hint: 'move it away',
    subject: path,
    cause,
  });
}

/** Waits for the lock. Rejects with `ERR_ABORTED` when the signal comes first. */
export async function fileLock(
  path: string,
  signal: AbortSignal,
  platform: Platform,
  clock: Clock,
): Promise<() => void> {
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 50)) {
    const release = tryFileLock(path, platform);
    if (release !== undefined) return release;
    await new Promise<void>((resolve) => {
      clock.after(waitMs, resolve);
    });
    if (signal.aborted) {
      throw new BrokerError('ERR_ABORTED', `gave up waiting for the lock ${path}`, {
        hint: 'another process is writing; try again',
        retryable: true,
      });
    }
  }
}
