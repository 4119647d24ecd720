import { createHash, hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  openSync,
  read,
  readSync,
  realpathSync,
  statfsSync,
  type BigIntStats,
} from 'node:fs';
import { promisify } from 'node:util';
import { BrokerError } from '@mcp-broker/providers/errors';
import { systemClock, type Clock } from '../clock.ts';
import type { FileIdentity } from '../protocol/messages.ts';
import { sharedPerTurn } from '../turn.ts';
import { notExecutable, problemOf } from './find-command.ts';

/** A program as the daemon saw it: what the fingerprint binds, and what the wrapper compares. */
export interface Executable {
  readonly identity: FileIdentity;
  readonly realPath: string;
  /** SHA-256 of the content, hex. */
  readonly digest: string;
  /** Its first bytes, at most as many as the kernel looks at. */
  readonly head: Uint8Array;
}

export interface Digests {
  /**
   * Opens, hashes and describes the file that the path leads to. Throws `ERR_COMMAND_NOT_FOUND`,
   * `ERR_NOT_EXECUTABLE` when it may not be read, and `ERR_CHANGED` when it is written meanwhile.
   */
  examine(path: string): Promise<Executable>;
}

export interface DigestOptions {
  readonly now?: Clock['now'];
  readonly maxEntries?: number;
}

/** Bytes that are read and hashed at once (0.7 ms): a hop to another thread gains nothing below. */
const maxAtOnce = 1024 * 1024;
/** Bytes of a file that is hashed at each launch wherever it lies (40 µs): what a person would edit. */
const maxHashedAnew = 64 * 1024;
/** The same for a file on a file system of which it is not known that its times tell of each write (4 ms). */
const maxHashedAnewUnsure = 4 * 1024 * 1024;
/** Those of which it is, by the number that `statfs` gives: ext4, XFS, Btrfs, F2FS. */
const tellsOfWrites: ReadonlySet<number> = new Set([0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010]);
/** The kernel's times move in steps: a file that was just written may be written again unseen. */
const settledMs = 2000;

/** `BINPRM_BUF_SIZE`. */
const headBytes = 256;

const readAsync = promisify(read);
const syncAsync = promisify(fdatasync);

/**
 * Digests of what is run. Small files are hashed at each launch; others (a bundled server, Node itself of
 * 120 MB) once, and known again by device, inode, size, mtime and ctime. A shared mapping is written
 * without moving these as long as its pages are dirty, so a file is written back before its digest is
 * kept: the next write moves them. A file system in memory has no such moment: on it, and on what we do
 * not know, only files of more than 4 MiB are known again, and are trusted to be their user's own.
 *
 * All but the real path comes from one open descriptor, so that a swap midway is seen. Launches that ask in
 * one turn share an answer.
 */
export function createDigests(options: DigestOptions = {}): Digests {
  const { now = systemClock.now, maxEntries = 1024 } = options;
  const known = new Map<string, string>();

  async function digestOf(path: string, fd: number, stats: BigIntStats): Promise<string> {
    const hashAnew = (): string | Promise<string> =>
      stats.size <= maxAtOnce ? hashAtOnce(path, fd, Number(stats.size)) : hashInPieces(fd);
    if (stats.size <= maxHashedAnew) return hashAnew();
    const key = statKey(stats);
    const before = known.get(key);
    if (before !== undefined) return before;
    const mayKeep = stats.size > maxHashedAnewUnsure || tellsOfEachWrite(fd);
    if (!mayKeep || !isSettled(stats, now())) return hashAnew();
    await syncAsync(fd);
    const digest = await hashAnew();
    if (statKey(fstatSync(fd, { bigint: true })) === key) {
      if (known.size >= maxEntries) known.clear();
      known.set(key, digest);
    }
    return digest;
  }

  async function look(path: string): Promise<Executable> {
    const fd = openProgram(path);
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!stats.isFile()) throw notExecutable(path);
      const digest = await digestOf(path, fd, stats);
      const head = headOf(fd);
      if (statKey(fstatSync(fd, { bigint: true })) !== statKey(stats)) {
        throw changed(path);
      }
      return {
        identity: {
          path,
          dev: String(stats.dev),
          ino: String(stats.ino),
          size: String(stats.size),
          mtimeNs: String(stats.mtimeNs),
          ctimeNs: String(stats.ctimeNs),
        },
        realPath: realPathOf(path),
        digest,
        head,
      };
    } finally {
      closeSync(fd);
    }
  }

  return { examine: sharedPerTurn(look) };
}

function openProgram(path: string): number {
  try {
    // Not blocking: a pipe may have taken the place of the file that was found.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    throw (problem === notExecutable ? unreadable : problem)(path);
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw problemOf(error)?.(path) ?? error;
  }
}

function hashAtOnce(path: string, fd: number, size: number): string {
  // One byte more than there should be shows a file that has grown.
  const buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  while (length < buffer.length) {
    const bytesRead = readSync(fd, buffer, length, buffer.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  if (length !== size) throw changed(path);
  return hash('sha256', buffer.subarray(0, length));
}

function headOf(fd: number): Uint8Array {
  const buffer = Buffer.alloc(headBytes);
  return buffer.subarray(0, readSync(fd, buffer, 0, headBytes, 0));
}

async function hashInPieces(fd: number): Promise<string> {
  const digest = createHash('sha256');
  const buffer = Buffer.allocUnsafe(maxAtOnce);
  for (;;) {
    const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, null);
    if (bytesRead === 0) return digest.digest('hex');
    digest.update(buffer.subarray(0, bytesRead));
  }
}

function tellsOfEachWrite(fd: number): boolean {
  try {
    return (
      process.platform === 'linux' && tellsOfWrites.has(statfsSync(`/proc/self/fd/${fd}`).type)
    );
  } catch {
    return false;
  }
}

function isSettled(stats: BigIntStats, now: number): boolean {
  const latest = stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs;
  return now - Number(latest / 1_000_000n) >= settledMs;
}

function statKey(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
}

function unreadable(command: string): BrokerError {
  return new BrokerError('ERR_NOT_EXECUTABLE', `command cannot be read: ${command}`, {
    hint: 'a command has to be readable to be approved (chmod +r)',
    subject: command,
  });
}

function changed(path: string): BrokerError {
  return new BrokerError('ERR_CHANGED', `${path} changed while it was read`, {
    hint: 'try again',
    subject: path,
    retryable: true,
  });
}
