import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';

/** Makes the folder when it is not there (0700). Throws `ERR_INSECURE_FILE` unless it is ours alone. */
export function openOwnFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) {
    throw insecure(folder, stats.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder');
  }
  requireOwn(folder, stats);
}

/**
 * Opens for reading and writing, makes it when it is not there (0600), and follows no link. Throws
 * `ERR_INSECURE_FILE` unless it is a regular file, ours alone, under one name. The caller closes it.
 */
export function openOwnFile(path: string, flags: number): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | flags, 0o600);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ELOOP') throw insecure(path, 'is a symbolic link');
    if (code === 'EISDIR' || code === 'ENXIO') throw insecure(path, 'is not a regular file');
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw insecure(path, 'is not a regular file');
    if (stats.nlink > 1) throw insecure(path, 'has a second name');
    requireOwn(path, stats);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** So that a new entry of the folder survives a crash. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

function requireOwn(path: string, stats: Stats): void {
  if (stats.uid !== process.getuid?.()) throw insecure(path, 'belongs to another user');
  if ((stats.mode & 0o077) === 0) return;
  const mode = stats.isDirectory() ? '700' : '600';
  throw insecure(path, 'can be reached by other users', `chmod ${mode} ${path}`);
}

function insecure(path: string, problem: string, hint = `mv ${path} ${path}.aside`): BrokerError {
  return new BrokerError('ERR_INSECURE_FILE', `${path} ${problem}`, { hint, subject: path });
}
