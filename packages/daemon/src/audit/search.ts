import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import { failure } from './failure.ts';
import { currentName, listRotated } from './files.ts';
import { isInTime, matches, needlesOf, parseRecord, type Filter } from './filter.ts';
import { errorCode } from './own-file.ts';
import { linesOf, readPieces } from './read-lines.ts';

/** Large enough that turns do not count, small enough to stay in the processor's cache. */
const pieceSize = 1024 * 1024;
const lineFeed = 10;

/**
 * The wanted lines of a log, oldest first and without their line feeds, in groups that are good until the
 * next one is asked for. It reads the files themselves, also while a daemon writes them, and holds no more
 * than two pieces of them. Without any wish it gives every line, of whatever form.
 * Throws `ERR_NOT_FOUND` when there is no log, and `ERR_AUDIT`.
 */
export async function* searchLog(
  folder: string,
  filter: Filter = {},
): AsyncGenerator<Buffer[], void, undefined> {
  const select = createSelect(filter);
  for await (const fd of openFiles(folder)) {
    for await (const piece of readPieces(fd, fstatSync(fd).size, pieceSize)) {
      // What has no line feed is still being written.
      const found = piece.at(-1) === lineFeed ? select(piece) : [];
      if (found.length > 0) yield found;
    }
  }
}

function createSelect(filter: Filter): (piece: Buffer) => Buffer[] {
  const [needle, ...others] = needlesOf(filter);
  const isWanted = (line: Buffer): boolean => {
    if (!isInTime(line, filter) || !others.every((other) => line.includes(other))) return false;
    const record = parseRecord(line);
    return record !== undefined && matches(record, filter);
  };
  if (needle !== undefined) return (piece) => [...linesWith(needle, piece)].filter(isWanted);
  const isAll = Object.values(filter).every((wish) => wish === undefined);
  return (piece) => (isAll ? [...linesOf(piece)] : [...linesOf(piece)].filter(isWanted));
}

function* linesWith(needle: Buffer, piece: Buffer): Generator<Buffer, void, undefined> {
  for (let at = piece.indexOf(needle); at !== -1;) {
    const from = piece.lastIndexOf(lineFeed, at) + 1;
    const to = piece.indexOf(lineFeed, at);
    yield piece.subarray(from, to);
    at = piece.indexOf(needle, to);
  }
}

/** Each file in turn. One that gets its last name meanwhile is read once, and none is left out. */
async function* openFiles(folder: string): AsyncGenerator<number, void, undefined> {
  let done = '';
  for (let isLast = false; !isLast;) {
    const current = openFile(folder, currentName);
    const next = list(folder).filter((name) => name > done);
    isLast = next.length === 0;
    try {
      if (isLast && current !== undefined) yield current;
    } finally {
      if (current !== undefined) closeSync(current);
    }
    for (const name of next) {
      done = name;
      const fd = openFile(folder, name);
      // Old enough to have been removed meanwhile.
      if (fd === undefined) continue;
      try {
        yield fd;
      } finally {
        closeSync(fd);
      }
    }
  }
}

function list(folder: string): string[] {
  try {
    return listRotated(folder);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw failure(folder, 'read', error);
    throw new BrokerError('ERR_NOT_FOUND', `there is no audit log in ${folder}`, {
      hint: 'mcp daemon start',
      subject: folder,
    });
  }
}

function openFile(folder: string, name: string): number | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return openSync(join(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw failure(folder, 'read', error);
  }
}
