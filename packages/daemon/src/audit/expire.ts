import { closeSync, fstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEvent } from './event.ts';
import { firstOf, listRotated } from './files.ts';
import { endOfLines, readLastLines } from './last-lines.ts';
import { hashLine, readLink } from './link.ts';
import { openOwnFile, syncFolder } from './own-file.ts';

/** Files that are old enough to go, and what the log has to say before they do. */
export interface Expired {
  readonly event: AuditEvent;
  remove(): void;
}

/** The oldest files whose newest line is from before `before` (milliseconds); undefined: none. */
export async function findExpired(
  folder: string,
  before: number,
  currentFirst: number,
): Promise<Expired | undefined> {
  const names = listRotated(folder);
  const expired: string[] = [];
  let anchor = '';
  for (const name of names) {
    const line = await lastLine(join(folder, name));
    const link = line === undefined ? undefined : readLink(line);
    if (line === undefined || link === undefined || !(Date.parse(link.time) < before)) break;
    expired.push(name);
    anchor = hashLine(line);
  }
  if (expired.length === 0) return undefined;
  const next = names[expired.length];
  const keptFrom = next === undefined ? currentFirst : firstOf(next);
  return {
    event: { event: 'expire', outcome: 'allowed', kept_from: keptFrom, anchor },
    remove() {
      for (const name of expired) rmSync(join(folder, name), { force: true });
      syncFolder(folder);
    },
  };
}

async function lastLine(path: string): Promise<Buffer | undefined> {
  const fd = openOwnFile(path, 0);
  try {
    const [line] = await readLastLines(fd, await endOfLines(fd, fstatSync(fd).size), 1);
    return line;
  } finally {
    closeSync(fd);
  }
}
