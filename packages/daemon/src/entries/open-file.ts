import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import { badFile } from './problem.ts';
import type { RequireShown } from './shown.ts';

/** `~/.claude.json` grows with the history of its user. */
const maxBytes = 8 * 1024 * 1024;

export interface OpenedFile {
  /** Of what was read. */
  readonly realPath: string;
  readonly text: string;
}

/**
 * Reads a client's file: a regular one of this user (links are followed, as the clients do), which not
 * everybody may write, of at most 8 MiB of UTF-8, that `isShown` lets pass. `hint`: what to do when there is
 * none. Throws `ERR_NOT_FOUND`, `ERR_INSECURE_FILE`, `ERR_CHANGED`, `ERR_CONFIG` and `NotShown`.
 */
export function openClientFile(
  file: string,
  isShown: RequireShown,
  hint: string = 'correct the path after --from',
): OpenedFile {
  let fd: number;
  let realPath: string;
  try {
    realPath = realpathSync.native(file);
    // Not blocking: a pipe that stands there would wait for its writer.
    fd = openSync(
      realPath,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch (error) {
    throw notOpened(file, (error as NodeJS.ErrnoException).code ?? '', hint);
  }
  try {
    const { uid, mode, size, isFile } = statOf(fd);
    if (!isFile) throw insecure(file, 'is not a regular file', 'ls -ld');
    if (uid !== process.geteuid?.()) {
      throw insecure(file, `belongs to user ${uid}, not to you`, 'ls -l');
    }
    if ((mode & 0o002) !== 0) throw insecure(file, 'can be written by everybody', 'chmod o-w');
    if (pathOf(fd, realPath) !== realPath) throw changed(file);
    if (size > maxBytes) throw badFile(file, undefined, `larger than ${maxBytes} bytes`);
    const bytes = readAll(fd, size);
    isShown(file, bytes);
    return { realPath, text: decode(bytes, file) };
  } finally {
    closeSync(fd);
  }
}

/**
 * Where the open file lies. Of a path that was looked up before, a folder may have been exchanged by a link
 * meanwhile; where the kernel does not tell, it is believed.
 */
function pathOf(fd: number, lookedUp: string): string {
  return process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${fd}`) : lookedUp;
}

function statOf(fd: number): { uid: number; mode: number; size: number; isFile: boolean } {
  const stats = fstatSync(fd);
  return { uid: stats.uid, mode: stats.mode, size: stats.size, isFile: stats.isFile() };
}

function readAll(fd: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const read = readSync(fd, buffer, length, size - length, null);
    if (read === 0) break;
    length += read;
  }
  return buffer.subarray(0, length);
}

function decode(bytes: Buffer, file: string): string {
  try {
    // It leaves a byte order mark out.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badFile(file, undefined, 'this is not UTF-8 text');
  }
}

function notOpened(file: string, code: string, hint: string): BrokerError {
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new BrokerError('ERR_NOT_FOUND', `there is no file ${file}`, { hint, subject: file });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return insecure(file, 'may not be read by this user', 'ls -l');
  }
  return insecure(file, 'is not a regular file', 'ls -ld');
}

function changed(file: string): BrokerError {
  return new BrokerError('ERR_CHANGED', `${file} changed while it was read`, {
    hint: 'try again',
    subject: file,
    retryable: true,
  });
}

function insecure(file: string, problem: string, command: string): BrokerError {
  return new BrokerError('ERR_INSECURE_FILE', `the client's file ${file} ${problem}`, {
    hint: `${command} ${file}`,
    subject: file,
  });
}
