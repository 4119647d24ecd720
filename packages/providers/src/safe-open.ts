import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BrokerError } from './errors.ts';
import { secretBytes } from './secret-bytes.ts';

export interface OwnFileOptions {
  /** What the file is called in an error: `config file`, `identity file`. */
  readonly what: string;
  /** A larger file is refused with `ERR_CORRUPT`. */
  readonly maxBytes: number;
  /**
   * Root may own the file, and its group may read it: systemd hands a credential to `User=` as a
   * root-owned file with an access list, whose mask shows as the group's bits.
   */
  readonly rootMayOwn?: boolean;
}

/**
 * Reads a file that is this user's alone: regular, no symbolic link, own, 0600 or narrower. What is
 * checked is what is read, since both go through one descriptor. The buffer has memory of its own,
 * which the caller may wipe or transfer. `undefined` when there is no such file; `ERR_INSECURE_FILE`
 * names the path, what is wrong with it and the command that puts it right.
 */
export function readOwnFile(path: string, options: OwnFileOptions): Buffer | undefined {
  const fd = open(path, options.what);
  if (fd === undefined) return undefined;
  try {
    check(fd, path, options);
    return readAll(fd, path, options);
  } finally {
    closeSync(fd);
  }
}

function open(path: string, what: string): number | undefined {
  try {
    // Not blocking, because a pipe that stands there would wait for its writer for ever.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    if (errno === 'ELOOP') throw insecure(path, what, 'is a symbolic link', `ls -l ${quote(path)}`);
    if (errno === 'ENXIO')
      throw insecure(path, what, 'is not a regular file', `ls -l ${quote(path)}`);
    if (errno === 'EACCES') {
      throw insecure(path, what, 'may not be read by this user', `ls -l ${quote(path)}`);
    }
    throw unreadable(path, what, errno, error);
  }
}

function check(fd: number, path: string, { what, rootMayOwn = false }: OwnFileOptions): void {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw insecure(path, what, 'is not a regular file', `ls -ld ${quote(path)}`);
  const uid = process.getuid?.();
  const lentByRoot = rootMayOwn && stat.uid === 0 && uid !== 0;
  if (uid !== undefined && stat.uid !== uid && !lentByRoot) {
    throw insecure(path, what, `belongs to user ${stat.uid}, not to you`, `ls -l ${quote(path)}`);
  }
  const allowed = lentByRoot ? 0o440 : 0o600;
  const mode = stat.mode & 0o7777;
  if (process.platform !== 'win32' && (mode & ~allowed) !== 0) {
    const octal = mode.toString(8).padStart(4, '0');
    throw insecure(path, what, `has mode ${octal}`, `chmod 600 ${quote(path)}`);
  }
}

function readAll(fd: number, path: string, { what, maxBytes }: OwnFileOptions): Buffer {
  const { size } = fstatSync(fd);
  if (size > maxBytes) throw tooLarge(path, what, maxBytes);
  const buffer = secretBytes(size);
  let length = 0;
  try {
    while (length < size) {
      const read = readSync(fd, buffer, length, size - length, null);
      if (read === 0) break;
      length += read;
    }
  } catch (error) {
    buffer.fill(0);
    throw unreadable(path, what, errnoOf(error), error);
  }
  return buffer.subarray(0, length);
}

function insecure(path: string, what: string, problem: string, hint: string): BrokerError {
  return new BrokerError('ERR_INSECURE_FILE', `${what} ${path} ${problem}`, {
    hint,
    subject: path,
  });
}

function tooLarge(path: string, what: string, maxBytes: number): BrokerError {
  return new BrokerError('ERR_CORRUPT', `${what} ${path} is larger than ${maxBytes} bytes`, {
    hint: `ls -l ${quote(path)}`,
    subject: path,
  });
}

function unreadable(path: string, what: string, errno: string, cause: unknown): BrokerError {
  return new BrokerError('ERR_CORRUPT', `${what} ${path} cannot be read: ${errno}`, {
    hint: `ls -ld ${quote(path)}`,
    subject: path,
    cause,
  });
}

function errnoOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : 'unknown error';
}

/** As a word of a shell command. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
