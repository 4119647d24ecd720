import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { BrokerError } from '@mcp-broker/daemon/protocol';

/** Also a link that leads nowhere is there. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Throws `ERR_NO_HOME`, for a command that would otherwise ask or search in vain. */
export function requireHome(home: string): void {
  if (isThere(home)) return;
  throw new BrokerError('ERR_NO_HOME', `${home} does not exist`, { hint: 'mcp init' });
}

/** Makes the home, 0700, and the folders above it that are missing. False when it was there. */
export function makeHome(home: string): boolean {
  try {
    mkdirSync(dirname(home), { recursive: true });
    mkdirSync(home, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isThere(home)) return false;
    throw new BrokerError('ERR_INSECURE_FILE', `${home} cannot be made: ${code}`, {
      hint: 'choose another home with --home DIR or MCP_HOME',
      cause: error,
    });
  }
}

/**
 * Takes the rights of others from a home that an earlier tool left: from the folder, and from each
 * regular file directly in it. Gives the paths that it changed. Throws `ERR_INSECURE_FILE` when one of
 * them is a link, of another kind, or someone else's.
 */
export function narrowHome(home: string): readonly string[] {
  const narrowed: string[] = [];
  if (narrow(home, constants.O_DIRECTORY)) narrowed.push(home);
  for (const entry of readdirSync(home, { withFileTypes: true })) {
    const path = join(home, entry.name);
    if (entry.isFile() && narrow(path)) narrowed.push(path);
  }
  return narrowed;
}

/**
 * Takes the rights of others from one file or folder, by descriptor, so that what is looked at is what is changed.
 * False when there were none. Throws `ERR_INSECURE_FILE`.
 */
export function narrow(path: string, kind = 0): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | kind);
  } catch (error) {
    throw refused(path, error);
  }
  try {
    const { uid, mode } = fstatSync(fd);
    if (uid !== process.getuid?.()) throw refused(path);
    if ((mode & 0o077) === 0) return false;
    fchmodSync(fd, mode & 0o700);
    return true;
  } finally {
    closeSync(fd);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ELOOP: 'is a symbolic link',
  ENOTDIR: 'is a symbolic link, or no folder',
  EACCES: 'cannot be opened',
};

function refused(path: string, cause?: unknown): BrokerError {
  const reason = reasons[(cause as NodeJS.ErrnoException | undefined)?.code ?? ''];
  return new BrokerError('ERR_INSECURE_FILE', `${path} ${reason ?? 'belongs to someone else'}`, {
    hint: 'move it away, or choose another home with --home DIR or MCP_HOME',
    cause,
  });
}
