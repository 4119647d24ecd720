import { closeSync, constants, fstatSync, fsyncSync, lstatSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Disk } from './disk.ts';
import { currentName, listRotated, rotatedName } from './files.ts';
import { readHead, writeHead, type Covered, type HeadRecord } from './head.ts';
import { endOfLines, readLastLines } from './last-lines.ts';
import { hashLine, origin, readLink, readStart, type Head } from './link.ts';
import { openOwnFile, openOwnFolder, syncFolder } from './own-file.ts';

/** What is known of the file from before a failure. */
export interface Known {
  readonly head: Head;
  readonly covered: Covered | undefined;
  readonly size: number;
  readonly dev: number;
  readonly ino: number;
  /** Number and time, in milliseconds, of the first line of the file. */
  readonly first: First | undefined;
}

export interface First {
  readonly seq: number;
  readonly time: number;
}

/** The file that lines are appended to, held open, and the small file with the head beside it. */
export interface LogFile {
  /** How far it is written, and which file it is. */
  readonly known: Known;
  /** Bytes that we wrote, those of a group included that is not synced yet. */
  readonly written: number;
  /**
   * Appends whole lines, with their line feeds. Once it resolves they are on the disk, in the file that
   * the path leads to. When it rejects none of them is left; where the disk refuses that too, the next
   * opening sees to it.
   */
  append(bytes: Buffer, record: HeadRecord, first: First): Promise<void>;
  /**
   * Gives the file the name under which it stays, and closes it, also when that fails. The next opening
   * begins a file anew. It was not empty.
   */
  retire(): void;
  /** Puts the head on the disk too. */
  syncHead(): void;
  close(): void;
}

/**
 * Opens `current.jsonl` in the folder, both made when they are not there. The end of a line that was
 * being written when the machine stopped is cut off: it was never acknowledged. The chain goes on from
 * the newest line known (to us, to the file `head`, or the last one), so that lines which somebody took
 * away leave a gap to be seen.
 */
export async function openLogFile(folder: string, disk: Disk, known?: Known): Promise<LogFile> {
  const path = join(folder, currentName);
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
    const first = firstOf(fd, size, path);
    const last = size > 0 ? await lastOf(fd, size, path) : await lastOfRotated(folder);
    const kept = readHead(headFd);
    const start = known ?? {
      head: kept !== undefined && kept.newest.seq >= last.seq ? kept.newest : last,
      covered: kept?.covered,
    };
    if (fstatSync(headFd).size === 0) {
      // From now on it has its length: the machine may stop, and one of two texts will stand there.
      writeHead(headFd, { newest: start.head, covered: start.covered });
      fsyncSync(headFd);
    }
    syncFolder(folder);
    const { head, covered } = start;
    return createLogFile(folder, fd, headFd, disk, { head, covered, size, dev, ino, first });
  } catch (error) {
    closeSync(fd);
    if (headFd !== undefined) closeSync(headFd);
    throw error;
  }
}

function createLogFile(
  folder: string,
  fd: number,
  headFd: number,
  disk: Disk,
  start: Known,
): LogFile {
  const path = join(folder, currentName);
  let known = start;
  let { size: written } = start;

  const close = (): void => {
    try {
      fsyncSync(headFd);
    } finally {
      closeSync(headFd);
      closeSync(fd);
    }
  };

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
    get written() {
      return written;
    },
    async append(bytes, record, first) {
      const size = known.size + bytes.length;
      requireUntouched(known.size);
      written = size;
      try {
        for (let done = 0; done < bytes.length;) done += disk.write(fd, bytes, done);
        await disk.sync(fd);
        requireUntouched(size);
      } catch (error) {
        cutBack();
        throw error;
      }
      const { newest: head, covered } = record;
      known = { ...known, head, covered, size, first: known.first ?? first };
      try {
        writeHead(headFd, record);
      } catch {
        // It says less of the log's end until the next line, and the line itself is safe.
      }
    },
    retire() {
      try {
        requireUntouched(known.size);
        const { seq, time } = known.first ?? { seq: known.head.seq, time: 0 };
        const to = join(folder, rotatedName(seq, time));
        // Ours alone writes here, so that nothing comes in between.
        if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) throw occupied(to);
        disk.rename(path, to);
        syncFolder(folder);
      } finally {
        close();
      }
    },
    syncHead() {
      fsyncSync(headFd);
    },
    close,
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

async function lastOf(fd: number, end: number, path: string): Promise<Head> {
  const [line] = await readLastLines(fd, end, 1);
  const link = line === undefined ? undefined : readLink(line);
  if (line === undefined || link === undefined) throw foreign(path);
  return { seq: link.seq, hash: hashLine(line) };
}

/** The file before, when the machine stopped before a line stood in the new one. */
async function lastOfRotated(folder: string): Promise<Head> {
  const name = listRotated(folder).at(-1);
  if (name === undefined) return origin;
  const path = join(folder, name);
  const fd = openOwnFile(path, 0);
  try {
    return await lastOf(fd, await endOfLines(fd, fstatSync(fd).size), path);
  } finally {
    closeSync(fd);
  }
}

function firstOf(fd: number, size: number, path: string): First | undefined {
  if (size === 0) return undefined;
  const bytes = Buffer.alloc(Math.min(size, 256));
  readSync(fd, bytes, 0, bytes.length, 0);
  const found = readStart(bytes);
  if (found === undefined) throw foreign(path);
  return { seq: found.seq, time: Date.parse(found.time) };
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

function occupied(path: string): BrokerError {
  return new BrokerError('ERR_AUDIT', `${path} stands where the next full file has to go`, {
    hint: `mv ${path} ${path}.aside`,
    subject: path,
  });
}
