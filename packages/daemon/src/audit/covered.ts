import { closeSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Known } from './file.ts';
import { currentName, firstOf, listRotated } from './files.ts';
import type { Head } from './link.ts';
import { hashLine, readLink } from './link.ts';
import { endOfLines, readLastLines } from './last-lines.ts';
import { openOwnFile } from './own-file.ts';
import { linesOf, readPieces } from './read-lines.ts';

/**
 * Whether the log holds the line that the head names as the newest one with a MAC; when it names none,
 * whether there is none. Looked at before the next MAC, which would vouch for what stands there now.
 */
export async function holdsCovered(folder: string, known: Known): Promise<boolean> {
  const { covered, first } = known;
  const names = listRotated(folder);
  if (covered === undefined) {
    for (const name of [...names, currentName]) {
      if (await openAnd(join(folder, name), hasMac)) return false;
    }
    return true;
  }
  const isCurrent = first !== undefined && covered.seq >= first.seq;
  const name = isCurrent ? currentName : names.findLast((each) => firstOf(each) <= covered.seq);
  if (name === undefined) return false;
  return openAnd(join(folder, name), (fd) => holds(fd, covered));
}

/** Most often it is one of the last lines. */
async function holds(fd: number, { seq, hash }: Head): Promise<boolean> {
  const end = await endOfLines(fd, fstatSync(fd).size);
  const near = await readLastLines(fd, end, 100);
  const oldest = near[0] === undefined ? undefined : readLink(near[0]);
  const isNamed = (line: Buffer): boolean => readLink(line)?.seq === seq && hashLine(line) === hash;
  if (oldest !== undefined && oldest.seq <= seq) return near.some(isNamed);
  for await (const piece of readPieces(fd, end)) {
    for (const line of linesOf(piece)) if (isNamed(line)) return true;
  }
  return false;
}

async function hasMac(fd: number): Promise<boolean> {
  for await (const piece of readPieces(fd, fstatSync(fd).size)) {
    if (piece.includes(',"mac":"')) return true;
  }
  return false;
}

async function openAnd<T>(path: string, action: (fd: number) => Promise<T>): Promise<T> {
  const fd = openOwnFile(path, 0);
  try {
    return await action(fd);
  } finally {
    closeSync(fd);
  }
}
