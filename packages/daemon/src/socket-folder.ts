import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Paths } from './paths.ts';

/** Bytes of a socket's path: kernels take 104 to 108, and libuv cuts silently what is longer. */
export const maxSocketPath = 100;

/** Throws `ERR_PATH_TOO_LONG`. */
export function checkPathLength(path: string): void {
  if (Buffer.byteLength(path) <= maxSocketPath) return;
  throw new BrokerError(
    'ERR_PATH_TOO_LONG',
    `the socket's path has more than ${maxSocketPath} bytes: ${path}`,
    { hint: 'choose a shorter folder with --home or MCP_HOME', subject: path },
  );
}

/** Makes the folders between home and socket where they are missing, and checks each. The home has to be there. */
export function openFolders(paths: Paths): void {
  for (const folder of folders(paths)) {
    if (folder !== paths.home) makeFolder(folder);
    if (!isOwnFolder(folder)) {
      throw new BrokerError('ERR_NO_HOME', `${folder} does not exist`, {
        hint: 'mcp init',
        subject: folder,
      });
    }
  }
}

/** The same checks without making anything. False: one is missing. */
export function checkFolders(paths: Paths): boolean {
  return folders(paths).every(isOwnFolder);
}

/**
 * What the path of a socket leads to, or undefined when nothing is there. Throws `ERR_FOREIGN_SOCKET`
 * for another user's socket, and `ERR_INSECURE_FILE` for anything else than a socket.
 */
export function statSocket(path: string): Stats | undefined {
  const stats = look(path);
  if (stats === undefined) return undefined;
  if (!stats.isSocket()) throw insecure(path, `is ${kindOf(stats)}, not a socket`, 'move it away');
  if (stats.uid !== process.geteuid?.()) {
    throw new BrokerError('ERR_FOREIGN_SOCKET', `the socket ${path} belongs to another user`, {
      hint: 'choose a folder of your own with --home or MCP_HOME',
      subject: path,
    });
  }
  return stats;
}

/** Throws `ERR_INSECURE_FILE` when others than its owner may reach the socket. */
export function requirePrivate(path: string, stats: Stats): void {
  if ((stats.mode & 0o077) !== 0) {
    throw insecure(path, 'can be reached by other users', `chmod 600 ${quote(path)}`);
  }
}

function folders(paths: Paths): string[] {
  const below = paths.state === paths.home ? [] : [dirname(paths.state), paths.state];
  return [paths.home, ...below, paths.run];
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw insecure(path, 'cannot be made', `ls -ld ${quote(dirname(path))}`, error);
  }
}

function isOwnFolder(path: string): boolean {
  const stats = look(path);
  if (stats === undefined) return false;
  if (!stats.isDirectory()) {
    throw insecure(path, `is ${kindOf(stats)}, not a folder`, 'move it away, then: mcp init');
  }
  if (stats.uid !== process.geteuid?.()) {
    throw insecure(path, 'belongs to another user', 'choose a folder of your own with --home');
  }
  if ((stats.mode & 0o077) !== 0) {
    throw insecure(path, 'can be reached by other users', `chmod 700 ${quote(path)}`);
  }
  return true;
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw insecure(path, 'cannot be looked at', `ls -ld ${quote(dirname(path))}`, error);
  }
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a file';
}

function insecure(path: string, problem: string, hint: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_INSECURE_FILE', `${path} ${problem}`, { hint, subject: path, cause });
}

/** A path as one word of a command to type. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/u.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
