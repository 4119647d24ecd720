import { closeSync, constants, openSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from './clock.ts';
import type { Platform } from './platform/platform.ts';

const mode = 0o600;
const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** Takes the lock if nobody holds it; the kernel gives it back when the process ends, however it ends. */
export function tryFileLock(path: string, platform: Platform): (() => void) | undefined {
  const fd = openSync(path, flags, mode);
  if (platform.tryLock(fd)) {
    return () => {
      closeSync(fd);
    };
  }
  closeSync(fd);
  return undefined;
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
