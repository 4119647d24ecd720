import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditVerdict } from '../protocol/messages.ts';
import { failure } from '../audit/failure.ts';
import { currentName, listRotated } from '../audit/files.ts';
import { parseRecord } from '../audit/filter.ts';
import { readHead } from '../audit/head.ts';
import { endOfLines, readLastLines } from '../audit/last-lines.ts';
import { origin } from '../audit/link.ts';
import { errorCode } from '../audit/own-file.ts';
import { verifyLog } from '../audit/verify.ts';

export interface LogLook {
  /** Times of the newest lines in their order, as ISO 8601, UTC. */
  readonly times: readonly string[];
  /** Whether the chain is whole, without the keys and so without the MACs. */
  readonly verify: () => Promise<AuditVerdict>;
}

/** How many of the newest lines are looked at for their time. */
const newest = 1000;

/**
 * A log without a daemon. A line that was cut off at the end is passed over, as the next daemon does. Undefined when
 * there is no log. Throws `ERR_AUDIT`.
 */
export async function lookAtLog(folder: string): Promise<LogLook | undefined> {
  try {
    const current = open(join(folder, currentName));
    if (current === undefined) {
      return listIfThere(folder).length === 0
        ? undefined
        : { times: [], verify: verify(folder, 0) };
    }
    try {
      const end = await endOfLines(current, fstatSync(current).size);
      const lines = await readLastLines(current, end, newest);
      const times = lines.map((line) => String(parseRecord(line)?.['time']));
      return { times, verify: verify(folder, end) };
    } finally {
      closeSync(current);
    }
  } catch (error) {
    throw failure(folder, 'read', error);
  }
}

function verify(folder: string, size: number): LogLook['verify'] {
  return () => {
    const head = headOf(folder);
    const state = {
      newest: head?.newest ?? origin,
      covered: head?.covered,
      size,
      written: Number.POSITIVE_INFINITY,
    };
    return verifyLog({ folder, state: () => state });
  };
}

function headOf(folder: string): ReturnType<typeof readHead> {
  const fd = open(join(folder, 'head'));
  if (fd === undefined) return undefined;
  try {
    return readHead(fd);
  } finally {
    closeSync(fd);
  }
}

function listIfThere(folder: string): readonly string[] {
  try {
    return listRotated(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
