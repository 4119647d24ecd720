import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BrokerError } from '@mcp-broker/providers/errors';
import { hashLine, origin, readLink, type Head } from './chain.ts';
import { endOfLines, readLastLines } from './last-lines.ts';
import { openOwnFile, openOwnFolder, syncFolder } from './own-file.ts';

/** What is asked of the disk for each group of lines; a test puts faults in its place. */
export interface Disk {
  /** Gives the number of bytes that were written, which may be fewer. */
  readonly write: (fd: number, bytes: Buffer, offset: number) => number;
  /** Resolves once the file's data and size are on the disk. */
  readonly sync: (fd: number) => Promise<void>;
  readonly truncate: (fd: number, size: number) => void;
}

export const realDisk: Disk = {
  // Into the page cache and so at once; a turn in the thread pool would take longer than the work.
  write: (fd, bytes, offset) => writeSync(fd, bytes, offset),
  sync: promisify(fdatasync),
  truncate: ftruncateSync,
};

/** What is known of the file from before a failure. */
export interface Known {
  readonly head: Head;
  readonly size: number;
  readonly dev: number;
  readonly ino: number;
}

/** The file that lines are appended to, held open, and the small file with the head beside it. */
export interface LogFile {
  /** How far it is written, and which file it is. */
  readonly known: Known;
  /**
   * Appends whole lines, with their line feeds. Once it resolves they are on the disk, in the file that
   * the path leads to. When it rejects none of them is left; where the disk refuses that too, the next
   * opening sees to it.
   */
  append(bytes: Buffer, head: Head): Promise<void>;
  close(): void;
}

export const fileName = 'current.jsonl';

/**
 * Opens `current.jsonl` in the folder, both made when they are not there. The end of a line that was
 * being written when the machine stopped is cut off: it was never acknowledged. The chain goes on from
 * the newest line known (to us, to the file `head`, or the last one), so that lines which somebody took
 * away leave a gap to be seen.
 */
export async function openLogFile(folder: string, disk: Disk, known?: Known): Promise<LogFile> {
  const path = join(folder, fileName);
  openOwnFolder(folder);
  const fd = openOwnFile(path, constants.O_APPEND);
  let headFd: number | undefined;
  try {
    headFd = openOwnFile(join(folder, 'head'), 0);
    const { dev, ino, size: found } = fstatSync(fd);
    // Lines that were refused must not come back with the file they were cut from in vain.
    const ours = known?.dev === dev && known.ino === ino;
    const size = await endOfLines(fd, ours ? Math.min(found, known.size) : found);
    if (size < found) {
      if (!ours) requireTorn(fd, size, path);
      disk.truncate(fd, size);
    }
    syncFolder(folder);
    const last = await readHead(fd, size, path);
    const kept = known?.head ?? parseHead(headFd);
    const head = kept !== undefined && (known !== undefined || kept.seq >= last.seq) ? kept : last;
    return createLogFile(path, fd, headFd, disk, { head, size, dev, ino });
  } catch (error) {
    closeSync(fd);
    if (headFd !== undefined) closeSync(headFd);
    throw error;
  }
}

function createLogFile(
  path: string,
  fd: number,
  headFd: number,
  disk: Disk,
  start: Known,
): LogFile {
  let known = start;

  const requireUntouched = (size: number): void => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.ino !== known.ino || stats.dev !== known.dev) {
      throw touched(path, 'was removed or replaced');
    }
    if (stats.size !== size) throw touched(path, 'was changed by another program');
  };

  const cutBack = (): void => {
    try {
      if (fstatSync(fd).size > known.size) disk.truncate(fd, known.size);
    } catch {
      // The error that led here says more.
    }
  };

  return {
    get known() {
      return known;
    },
    async append(bytes, head) {
      const size = known.size + bytes.length;
      requireUntouched(known.size);
      try {
        for (let done = 0; done < bytes.length;) done += disk.write(fd, bytes, done);
        await disk.sync(fd);
        requireUntouched(size);
      } catch (error) {
        cutBack();
        throw error;
      }
      known = { ...known, head, size };
      writeHead(headFd, head);
    },
    close() {
      try {
        fsyncSync(headFd);
      } finally {
        closeSync(headFd);
        closeSync(fd);
      }
    },
  };
}

/** What follows the last line feed has to be the start of a line, or blocks that were never written. */
function requireTorn(fd: number, at: number, path: string): void {
  const start = '{"v":1,"seq":';
  const bytes = Buffer.alloc(start.length);
  const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, at));
  for (const [index, character] of text.split('').entries()) {
    if (character !== start[index] && character !== '\0') throw foreign(path);
  }
}

async function readHead(fd: number, end: number, path: string): Promise<Head> {
  const [line] = await readLastLines(fd, end, 1);
  if (line === undefined) return origin;
  const link = readLink(line);
  if (link !== undefined) return { seq: link.seq, hash: hashLine(line) };
  throw foreign(path);
}

/** Always the same length, in one write: a process that dies leaves the old text or the new. */
function writeHead(fd: number, head: Head): void {
  try {
    writeSync(fd, `${String(head.seq).padStart(16, '0')} ${head.hash}\n`, 0);
  } catch {
    // It says less of the log's end until the next line, and the line itself is safe.
  }
}

function parseHead(fd: number): Head | undefined {
  const bytes = Buffer.alloc(128);
  const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  const [, seq, hash] = /^(\d{16}) ([0-9a-f]{64})\n$/.exec(text) ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}

function touched(path: string, problem: string): BrokerError {
  return new BrokerError('ERR_AUDIT', `${path} ${problem}`, {
    hint: `ls -la ${dirname(path)}`,
    subject: path,
  });
}

function foreign(path: string): BrokerError {
  return new BrokerError('ERR_CORRUPT', `${path} does not end in a line of an audit log`, {
    hint: `mv ${path} ${path}.damaged`,
    subject: path,
  });
}
