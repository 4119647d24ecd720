import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from './failure.ts';
import { currentName, listRotated } from './files.ts';
import { endOfLines, readLastLines } from './last-lines.ts';
import { errorCode } from './own-file.ts';

/**
 * The newest lines, oldest first: of the current file those in its first `size` bytes, then of the files
 * before it. Which files these are is settled in the turn of the call. Throws `ERR_AUDIT`.
 */
export async function readTail(folder: string, size: number, count: number): Promise<string[]> {
  const lines: string[] = [];
  const take = async (fd: number, end: number): Promise<void> => {
    const found = await readLastLines(fd, await endOfLines(fd, end), count - lines.length);
    lines.unshift(...found.map((line) => line.toString()));
  };
  try {
    const older = listRotated(folder);
    if (size > 0) {
      const fd = open(join(folder, currentName));
      try {
        await take(fd, Math.min(size, fstatSync(fd).size));
      } finally {
        closeSync(fd);
      }
    }
    while (lines.length < count) {
      const name = older.pop();
      if (name === undefined || !(await takeOld(join(folder, name), take))) break;
    }
    return lines;
  } catch (error) {
    throw failure(folder, 'read', error);
  }
}

/** False when it is old enough to have been removed meanwhile. */
async function takeOld(
  path: string,
  take: (fd: number, end: number) => Promise<void>,
): Promise<boolean> {
  let fd: number;
  try {
    fd = open(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    await take(fd, fstatSync(fd).size);
    return true;
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}
